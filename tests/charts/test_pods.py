"""Probes, resources, replicas, rollouts and Jobs."""

import json
import re
from typing import Any

import pytest

from tests.charts import helm
from tests.charts.manifests import SERVERS, Manifests, parse

HTTP_SERVICES = ["auth", "fetch", "docs", "sample"]
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def test_every_container_has_requests_and_limits_but_no_cpu_limit(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        for container in workload.all_containers:
            resources = container["resources"]
            name = f"{workload.id} {container['name']}"
            assert resources["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}, name
            assert resources["limits"].keys() == {"memory", "ephemeral-storage"}, name


def test_only_servers_have_probes(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        for container in [*workload.containers, *workload.sidecars]:
            expected = set() if workload.runs_to_completion else set(PROBES)
            if container["name"] == "mysql":
                expected.remove("readinessProbe")  # the agent's says whether the member is in the group
            assert set(PROBES) & container.keys() == expected, workload.id


def test_a_redis_that_answers_with_an_error_is_alive_but_not_ready(default: Manifests) -> None:
    container = default.workload("Deployment/redis").containers[0]
    fails_on_errors = {probe: "-e" in container[probe]["exec"]["command"] for probe in PROBES}
    assert fails_on_errors == {"startupProbe": True, "livenessProbe": False, "readinessProbe": True}


def test_startup_probes_allow_more_time_than_liveness_probes(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        for container in [*workload.containers, *workload.sidecars] if not workload.runs_to_completion else []:
            assert _seconds(container["startupProbe"]) > _seconds(container["livenessProbe"]), workload.id


def _seconds(probe: dict[str, Any]) -> int:
    return int(probe["periodSeconds"]) * int(probe["failureThreshold"])


@pytest.mark.parametrize("name", HTTP_SERVICES)
def test_http_probes_use_the_management_port(sample: Manifests, name: str) -> None:
    workload = sample.workload(f"Deployment/{name}")
    container = workload.containers[0]
    paths = {probe: container[probe]["httpGet"] for probe in PROBES}
    assert {get["port"] for get in paths.values()} == {"http-management"}
    assert [paths[probe]["path"] for probe in PROBES] == ["/healthz", "/healthz", "/readyz"]
    assert workload.port("http-management") == 9090


@pytest.mark.parametrize("name", HTTP_SERVICES)
def test_http_services_stop_gracefully_during_a_rollout(sample: Manifests, name: str) -> None:
    workload = sample.workload(f"Deployment/{name}")
    container = workload.containers[0]
    delay = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    requests = next(int(v["value"]) for v in container["env"] if v["name"] == "HTTP_GRACEFUL_SECONDS")
    assert delay >= 5, "proxies need some seconds to learn that the pod ends"
    assert requests >= 15, "the gateway waits that long for an answer of auth"
    assert workload.pod.spec["terminationGracePeriodSeconds"] >= delay + requests + 5
    assert workload.owner.spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}}


def test_the_proxy_of_each_pod_outlives_its_containers(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        assert workload.pod.annotations["sidecar.istio.io/nativeSidecar"] == "true", workload.id


def test_default_numbers_of_replicas(default: Manifests) -> None:
    replicas = {manifest.name: manifest.spec["replicas"] for manifest in default.of(*SERVERS)}
    assert replicas == {"auth": 2, "fetch": 2, "docs": 2, "redis": 1, "mysql": 3}


def test_members_of_mysql_are_replaced_one_at_a_time_and_number_0_last(default: Manifests) -> None:
    """The agent hands over to the lowest number (tests/unit/mysql_agent), so the last one to be replaced is primary."""
    assert default.get("StatefulSet/mysql").spec["updateStrategy"] == {"type": "RollingUpdate"}


def test_two_redis_pods_never_share_a_volume(default: Manifests) -> None:
    assert default.get("Deployment/redis").spec["strategy"] == {"type": "Recreate"}


def test_servers_restart_when_their_config_map_changes(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        mounted = [volume for volume in workload.pod.spec.get("volumes", []) if "configMap" in volume]
        if mounted and not workload.runs_to_completion:
            assert "checksum/config" in workload.pod.annotations, workload.id


def test_jobs_have_limits(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        if workload.runs_to_completion:
            assert workload.pod.spec["restartPolicy"] == "Never", workload.id
    for job in rendered.of("Job"):
        assert job.spec["activeDeadlineSeconds"] <= 900, job.id
        assert job.spec["backoffLimit"] <= 6, job.id


def test_the_migration_runs_before_new_pods_and_before_the_first_admin(default: Manifests) -> None:
    migrate, admin = default.get("Job/auth-migrate"), default.get("Job/auth-first-admin")
    assert migrate.annotations["helm.sh/hook"] == "post-install,pre-upgrade"
    assert admin.annotations["helm.sh/hook"] == "post-install,post-upgrade"
    assert int(migrate.annotations["helm.sh/hook-weight"]) < int(admin.annotations["helm.sh/hook-weight"])
    for job in (migrate, admin):
        assert job.annotations["helm.sh/hook-delete-policy"] == "before-hook-creation", job.id
        assert job.spec["template"]["spec"]["serviceAccountName"] == "auth", job.id


@pytest.mark.parametrize(("arguments", "least", "most"), [([], 600, 900), (["--is-upgrade"], 30, 90)])
def test_the_migration_waits_long_at_install_and_briefly_at_upgrade(
    arguments: list[str], least: int, most: int
) -> None:
    job = parse(helm.template("efishery", "--set", "sample.enabled=true", *arguments).stdout).get("Job/auth-migrate")
    container = job.spec["template"]["spec"]["containers"][0]
    wait = next(int(v["value"]) for v in container["env"] if v["name"] == "AUTH_DATABASE_WAIT_SECONDS")
    tries = job.spec["backoffLimit"] + 1
    assert least <= wait * tries <= most
    assert "helm upgrade --no-hooks" in container["args"][0]


@pytest.mark.parametrize("name", HTTP_SERVICES)
def test_with_reload_a_pod_runs_the_command_of_its_image(name: str) -> None:
    values = ["sample.enabled=true", "development.reload=true"]
    rendered = parse(helm.template("efishery", *[option for value in values for option in ("--set", value)]).stdout)
    (command,) = re.findall(r"^CMD (.*)$", (helm.REPOSITORY / f"services/{name}/Dockerfile").read_text(), re.MULTILINE)
    reloading = ["python", "-m", "servicekit.development", f"efishery_{name}", *json.loads(command)]
    assert rendered.workload(f"Deployment/{name}").containers[0]["command"] == reloading


def test_only_reload_replaces_the_command_of_an_image(default: Manifests) -> None:
    assert not [n for n in HTTP_SERVICES[:3] if "command" in default.workload(f"Deployment/{n}").containers[0]]


@pytest.mark.parametrize("prefix", ["auth", "fetch", "docs", "sample", "mysql"])
def test_an_annotation_of_ones_own_replaces_the_charts(prefix: str) -> None:
    own = rf"{prefix}.podAnnotations.prometheus\.io/scrape=false"
    servers = "sample.enabled=true,mysql.metrics.enabled=true"
    rendered = helm.template("efishery", "--set", servers, "--set-string", own).stdout
    kind = "StatefulSet" if prefix == "mysql" else "Deployment"
    (document,) = (text for text in rendered.split("\n---") if f"kind: {kind}\nmetadata:\n  name: {prefix}\n" in text)
    assert re.findall(r"prometheus\.io/scrape: (.*)", document) == ['"false"']
