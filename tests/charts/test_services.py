"""Services lead to ports of pods that exist, under names by which a mesh knows the protocol."""

import pytest

from tests.charts.manifests import Manifests


def test_every_service_leads_to_one_kind_of_pod(rendered: Manifests) -> None:
    for service in rendered.of("Service"):
        selected = rendered.selected(service.spec["selector"])
        assert len(selected) == 1, f"{service.id} selects {[workload.id for workload in selected]}"
        for port in service.spec["ports"]:
            assert selected[0].port(port["targetPort"]), f"{service.id}: no port {port['targetPort']}"


def test_every_port_says_its_protocol(rendered: Manifests) -> None:
    for service in rendered.of("Service"):
        for port in service.spec["ports"]:
            assert port["name"].split("-")[0] == port["appProtocol"], f"{service.id} {port['name']}"
            assert port["appProtocol"] in ("http", "tcp"), f"{service.id} {port['name']}"


@pytest.mark.parametrize(
    ("service", "ports"),
    [
        ("auth", {"http": 80, "http-management": 9090, "http-jwks": 8081}),
        ("fetch", {"http": 80, "http-management": 9090}),
        ("docs", {"http": 80, "http-management": 9090}),
        ("sample", {"http": 80, "http-management": 9090}),
        ("redis", {"tcp-redis": 6379}),
        ("mysql", {"tcp-mysql": 3306}),
        ("mysql-primary", {"tcp-mysql": 3306}),
        ("mysql-replicas", {"tcp-mysql": 3306}),
    ],
)
def test_ports(sample: Manifests, service: str, ports: dict[str, int]) -> None:
    found = sample.get(f"Service/{service}").spec["ports"]
    assert {port["name"]: port["port"] for port in found} == ports


def test_writes_go_to_the_primary_alone_and_reads_to_any_member(default: Manifests) -> None:
    primary = default.get("Service/mysql-primary").spec["selector"]
    replicas = default.get("Service/mysql-replicas").spec["selector"]
    assert primary == {**replicas, "role": "primary"}


def test_members_find_each_other_before_they_are_ready(default: Manifests) -> None:
    headless = default.get("Service/mysql").spec
    assert headless["clusterIP"] == "None"
    assert headless["publishNotReadyAddresses"] is True
    members = default.get("StatefulSet/mysql").spec
    assert members["serviceName"] == "mysql"
    assert members["podManagementPolicy"] == "Parallel"


def test_the_sample_is_off_by_default(default: Manifests) -> None:
    assert not [manifest.id for manifest in default.objects if manifest.name == "sample"]
