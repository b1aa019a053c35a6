"""Services select existing ports of pods and declare their protocols."""

import pytest

from tests.charts.manifests import Manifests
from tests.charts.scenarios import Scenario


def test_every_service_selects_one_workload_and_existing_ports(rendered: Manifests) -> None:
    for service in rendered.of("Service"):
        selected = rendered.selected(_without_role(service.spec["selector"]))
        assert len(selected) == 1, f"{service.id} selects {[workload.id for workload in selected]}"
        for port in service.spec["ports"]:
            assert selected[0].port(port["targetPort"]), f"{service.id}: no port {port['targetPort']}"


def _without_role(selector: dict[str, str]) -> dict[str, str]:
    """Return the selector without the labels that the agents set at run time."""
    return {key: value for key, value in selector.items() if key not in ("role", "reads")}


def test_every_port_declares_its_protocol(rendered: Manifests) -> None:
    for service in rendered.of("Service"):
        for port in service.spec["ports"]:
            assert port["name"].split("-")[0] == port["appProtocol"], f"{service.id} {port['name']}"
            assert port["appProtocol"] in ("http", "tcp"), f"{service.id} {port['name']}"


@pytest.mark.parametrize(
    ("service", "ports"),
    [
        ("auth", {"http": 80, "http-management": 9090}),
        ("fetch", {"http": 80, "http-management": 9090}),
        ("docs", {"http": 80, "http-management": 9090}),
        ("sample", {"http": 80, "http-management": 9090}),
        ("redis", {"tcp-redis": 6379}),
        ("mysql", {"tcp-mysql": 3306, "http-agent": 9091}),
        ("mysql-primary", {"tcp-mysql": 3306}),
        ("mysql-replicas", {"tcp-mysql": 3306}),
    ],
)
def test_ports(sample: Manifests, service: str, ports: dict[str, int]) -> None:
    found = sample.get(f"Service/{service}").spec["ports"]
    assert {port["name"]: port["port"] for port in found} == ports


@pytest.mark.parametrize("scenario", ["default", "single"])
def test_only_the_agents_labels_select_primary_and_replicas(scenario: str) -> None:
    rendered = Scenario("mysql", scenario).rendered()
    for service, label in (("mysql-primary", ("role", "primary")), ("mysql-replicas", ("reads", "true"))):
        spec = rendered.get(f"Service/{service}").spec
        assert label in spec["selector"].items(), service
        assert spec["publishNotReadyAddresses"] is True, f"{service}: routing must depend only on the label"


def test_no_pod_template_has_the_agents_labels(rendered: Manifests) -> None:
    assert not [workload.id for workload in rendered.workloads if {"role", "reads"} & set(workload.pod.labels)]


def test_members_find_each_other_before_they_are_ready(default: Manifests) -> None:
    headless = default.get("Service/mysql").spec
    assert headless["clusterIP"] == "None"
    assert headless["publishNotReadyAddresses"] is True
    members = default.get("StatefulSet/mysql").spec
    assert members["serviceName"] == "mysql"
    assert members["podManagementPolicy"] == "Parallel"


def test_the_sample_is_off_by_default(default: Manifests) -> None:
    assert not [manifest.id for manifest in default.objects if manifest.name == "sample"]
