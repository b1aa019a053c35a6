"""What tools that compare manifests with the cluster rely on: stable output, Jobs that need no change, order."""

import re

import pytest

from tests.charts import helm
from tests.charts.manifests import Manifest, Manifests, parse
from tests.charts.scenarios import SCENARIOS, Scenario

# Kinds of the charts, all of which have a namespace. Another kind is taken for one of the whole cluster.
NAMESPACED = {
    "Certificate",
    "ConfigMap",
    "CronJob",
    "Deployment",
    "DestinationRule",
    "HorizontalPodAutoscaler",
    "Job",
    "Lease",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "PodMonitor",
    "PrometheusRule",
    "Role",
    "RoleBinding",
    "Service",
    "ServiceAccount",
    "ServiceEntry",
    "Sidecar",
    "StatefulSet",
    "VirtualService",
}
HOOK_KINDS = ("Job", "ServiceAccount", "Role", "RoleBinding", "NetworkPolicy")
HASH = re.compile(r"-[0-9a-f]{8}$")


def render(scenario: Scenario, *options: str) -> str:
    """Return Helm's output."""
    values = helm.charts() / scenario.chart / f"ci/{scenario.name}-values.yaml"
    result = helm.template(scenario.chart, "--values", str(values), *options)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_two_renderings_are_equal(scenario: Scenario) -> None:
    assert render(scenario) == render(scenario)


def jobs(tag: str) -> dict[str, Manifest]:
    """Return the Jobs of all parts, with that tag of the images, by their names without a hash."""
    values = f"sample.enabled=true,mysql.backup.enabled=true,global.image.tag={tag},mysql.image.tag={tag}"
    result = helm.template("efishery", "--set", values)
    assert result.returncode == 0, result.stderr
    return {HASH.sub("", job.name): job for job in parse(result.stdout).of("Job")}


def test_a_changed_job_is_a_new_job() -> None:
    """The pod template of a Job is immutable: its name changes with it, or a hook deletes the former Job."""
    old, new = jobs("v1"), jobs("v2")
    hooks = {"create-secrets", "mysql-create-secrets", "auth-migrate", "auth-first-admin"}
    assert old.keys() == new.keys() == hooks | {"rate-cron-1", "mysql-backup-1"}
    for name, before in old.items():
        assert before.spec != new[name].spec, name
        if name in hooks:
            assert "before-hook-creation" in before.annotations["helm.sh/hook-delete-policy"], name
        else:
            assert before.name != new[name].name, name


def test_jobs_that_are_compared_with_the_cluster_are_not_deleted_by_it() -> None:
    compared = [job for job in jobs("v1").values() if "helm.sh/hook" not in job.annotations]
    assert len(compared) == 2
    for job in compared:
        assert "ttlSecondsAfterFinished" not in job.spec, job.id


def test_a_revision_runs_its_jobs_again() -> None:
    """With Helm, whose revisions start at 1; elsewhere the revision stays 1."""
    job = Scenario("efishery", "default").rendered().release_job("rate-cron")
    assert job.name.startswith("rate-cron-1-")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_releases_in_two_namespaces_share_no_object(scenario: Scenario) -> None:
    objects = [parse(render(scenario, "--namespace", name)) for name in ("north", "south")]
    shared = [{m.id for m in rendered.objects if m.kind not in NAMESPACED} for rendered in objects]
    assert not shared[0] & shared[1]
    assert not [m.id for rendered in objects for m in rendered.objects if "namespace" in m.body["metadata"]]


def test_nothing_names_another_namespace_than_its_own() -> None:
    text = helm.template("efishery", "--set", "sample.enabled=true", "--namespace", "north").stdout
    assert "mysql.north.svc" in text
    assert "efishery.svc" not in text
    assert "namespace: efishery" not in text


def wave(manifest: Manifest) -> int:
    return int(manifest.annotations.get("argocd.argoproj.io/sync-wave", "0"))


def test_argo_cd_migrates_after_mysql_is_ready_and_before_auth_is_replaced(default: Manifests) -> None:
    migrate = default.get("Job/auth-migrate")
    assert migrate.annotations["argocd.argoproj.io/hook"] == "Sync"
    assert migrate.annotations["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
    needed = ("StatefulSet/mysql", "Service/mysql-primary", "ServiceAccount/auth", "Deployment/redis")
    assert {wave(default.get(identity)) for identity in needed} == {0}
    assert 0 < wave(migrate) < wave(default.get("Deployment/auth"))


def test_argo_cd_asks_for_the_first_rate_last(default: Manifests) -> None:
    job, admin = default.release_job("rate-cron"), default.get("Job/auth-first-admin")
    assert job.annotations["argocd.argoproj.io/hook"] == "PostSync"
    assert "HookSucceeded" in job.annotations["argocd.argoproj.io/hook-delete-policy"]
    assert wave(job) > int(admin.annotations["helm.sh/hook-weight"])


def test_for_argo_cd_a_job_makes_the_lease_which_it_would_leave_out(default: Manifests) -> None:
    """`resource.exclusions` of its manifests since Argo CD 3.0."""
    rendered = Scenario("efishery", "argo-cd").rendered()
    job = rendered.get("Job/mysql-create-lease")
    assert job.annotations["helm.sh/hook"] == "pre-install,pre-upgrade"  # PreSync
    assert not rendered.of("Lease")
    added = {m.id for m in rendered.objects} - {m.id for m in default.objects}
    assert added == {f"{kind}/mysql-create-lease" for kind in HOOK_KINDS}


def test_argo_cd_never_prunes_the_backups_and_the_lease() -> None:
    """It takes `helm.sh/resource-policy` for the deletion of the whole application only."""
    rendered = parse(helm.template("mysql", "--set", "backup.enabled=true").stdout)
    kept = [m for m in rendered.objects if m.annotations.get("helm.sh/resource-policy") == "keep"]
    assert {m.id for m in kept} == {"Lease/mysql", "PersistentVolumeClaim/mysql-backup"}
    for manifest in kept:
        assert manifest.annotations["argocd.argoproj.io/sync-options"] == "Prune=false", manifest.id
