"""The Jobs that create the Secrets and, for Argo CD, the Lease: when they run, what they may do, what ends them."""

import pytest

from efishery_mysql_agent.create_lease import CreateLeaseSettings
from servicekit.create_secrets import CreateSecretsSettings
from servicekit.settings import load
from tests.charts import helm
from tests.charts.created_secrets import specs
from tests.charts.manifests import Manifests, parse
from tests.charts.scenarios import Scenario

OF_SECRETS = ["create-secrets", "mysql-create-secrets"]
JOBS = [*OF_SECRETS, "mysql-create-lease"]
FOR_ARGO_CD = Scenario("efishery", "argo-cd")
NEEDS = ["ServiceAccount", "Role", "RoleBinding", "NetworkPolicy"]


@pytest.mark.parametrize("name", JOBS)
def test_it_runs_before_everything_else_and_leaves_nothing_when_it_has_succeeded(name: str) -> None:
    rendered = FOR_ARGO_CD.rendered()
    job = rendered.get(f"Job/{name}")
    for manifest in (job, *(rendered.get(f"{kind}/{name}") for kind in NEEDS)):
        assert manifest.annotations["helm.sh/hook"] == "pre-install,pre-upgrade", manifest.id
        policies = manifest.annotations["helm.sh/hook-delete-policy"]
        assert policies == "before-hook-creation,hook-succeeded", manifest.id
    weights = [int(rendered.get(f"{kind}/{name}").annotations["helm.sh/hook-weight"]) for kind in NEEDS]
    migration = int(rendered.get("Job/auth-migrate").annotations["helm.sh/hook-weight"])
    assert max(weights) < int(job.annotations["helm.sh/hook-weight"]) < migration


def test_the_job_for_the_lease_may_create_one_and_nothing_else() -> None:
    rendered = FOR_ARGO_CD.rendered()
    (rule,) = rendered.get("Role/mysql-create-lease").body["rules"]
    assert rule == {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]}
    users = [w.id for w in rendered.workloads if w.pod.spec["serviceAccountName"] == "mysql-create-lease"]
    assert users == ["Job/mysql-create-lease"]


def test_the_agents_use_the_lease_that_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = FOR_ARGO_CD.rendered()
    container = rendered.workload("Job/mysql-create-lease").containers[0]
    assert container["command"] == ["python", "-m", "efishery_mysql_agent.create_lease"]
    for variable in container["env"]:
        monkeypatch.setenv(variable["name"], variable["value"])
    settings = load(CreateLeaseSettings)
    (rule,) = (r for r in rendered.get("Role/mysql").body["rules"] if r["resources"] == ["leases"])
    assert (settings.namespace, [settings.name]) == ("efishery", rule["resourceNames"])


@pytest.mark.parametrize("name", OF_SECRETS)
def test_it_may_create_secrets_and_read_only_its_own(default: Manifests, name: str) -> None:
    spec = default.workload(f"Job/{name}").containers[0]["env"]
    created = [secret for secret in specs(default) if f'"name":"{secret}"' in str(spec)]
    assert created
    secrets = {"apiGroups": [""], "resources": ["secrets"]}
    assert default.get(f"Role/{name}").body["rules"] == [
        {**secrets, "verbs": ["create"]},
        {**secrets, "resourceNames": created, "verbs": ["get"]},
    ]
    binding = default.get(f"RoleBinding/{name}").body
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": name}]
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == ("Role", name)
    users = [w.id for w in default.workloads if w.pod.spec["serviceAccountName"] == name]
    assert users == [f"Job/{name}"]


@pytest.mark.parametrize("name", JOBS)
def test_failures_that_need_a_person_are_not_repeated(name: str) -> None:
    rendered = FOR_ARGO_CD.rendered()
    (rule,) = rendered.get(f"Job/{name}").spec["podFailurePolicy"]["rules"]
    containers = [container["name"] for container in rendered.workload(f"Job/{name}").containers]
    assert rule == {
        "action": "FailJob",
        "onExitCodes": {"containerName": containers[0], "operator": "In", "values": [2, 3]},
    }


@pytest.mark.parametrize("name", OF_SECRETS)
def test_the_program_reads_what_the_job_passes(default: Manifests, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    container = default.workload(f"Job/{name}").containers[0]
    assert container["command"] == ["python", "-m", "servicekit.create_secrets"]
    for variable in container["env"]:
        monkeypatch.setenv(variable["name"], variable["value"])
    settings = load(CreateSecretsSettings)
    assert settings.namespace == "efishery"
    assert {spec.name for spec in settings.specs} <= specs(default).keys()


def test_the_first_admin_has_the_phone_of_the_values(default: Manifests) -> None:
    assert specs(default)["auth-first-admin"].values == {"phone": "+6281100000001"}


@pytest.mark.parametrize(
    ("chart", "scenario", "jobs"),
    [
        ("efishery", "existing-secrets", ["mysql-create-secrets"]),  # for its certificate
        ("efishery", "minimal", OF_SECRETS),
        ("mysql", "existing-secret", []),
        ("mysql", "cert-manager", ["mysql-create-secrets"]),
    ],
)
def test_there_is_no_job_if_everything_is_provided(chart: str, scenario: str, jobs: list[str]) -> None:
    rendered = Scenario(chart, scenario).rendered()
    for kind in ("Job", *NEEDS):
        assert sorted(m.name for m in rendered.of(kind) if m.name in OF_SECRETS) == jobs, kind


@pytest.mark.parametrize("name", ["mysql-create-lease", "mysql-create-secrets"])
def test_no_service_of_mysql_selects_the_pod_of_the_job(name: str) -> None:
    rendered = FOR_ARGO_CD.rendered()
    labels = rendered.workload(f"Job/{name}").pod.labels
    for service in rendered.of("Service"):
        assert not service.spec["selector"].items() <= labels.items(), service.id


def test_without_a_first_admin_no_password_is_created_for_one() -> None:
    values = "sample.enabled=true,auth.firstAdmin.enabled=false"
    created = specs(parse(helm.template("efishery", "--set", values).stdout))
    assert created.keys() == {"auth-signing-key", "redis", "mysql", "mysql-migration", "mysql-tls"}
