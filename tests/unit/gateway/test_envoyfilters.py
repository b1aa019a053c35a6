"""The patches of EnvoyFilters, applied to a listener."""

from pathlib import Path
from typing import Any

import pytest

from efishery_gateway.envoyfilters import gateway_patches, patched
from efishery_gateway.errors import GatewayError

MANAGER = "envoy.filters.network.http_connection_manager"


def listener() -> dict[str, Any]:
    config = {"options": {"kept": 1, "changed": 1}, "http_filters": ["router"], "route_config": {"virtual_hosts": []}}
    manager = {"name": MANAGER, "typed_config": config}
    return {"name": "gateway", "filter_chains": [{"filters": [manager]}]}


def patch(target: str, operation: str, value: Any, before: str | None = None) -> dict[str, Any]:
    found = {"applyTo": target, "patch": {"operation": operation, "value": value}}
    chain = {"filter": {"name": MANAGER, "subFilter": {"name": before}}}
    return found | {"match": {"listener": {"filterChain": chain}}} if before else found


def test_objects_are_merged_and_values_replaced() -> None:
    value = {"name": MANAGER, "typed_config": {"options": {"changed": 2}}}
    found = patched(listener(), [patch("NETWORK_FILTER", "MERGE", value)])
    config = found["filter_chains"][0]["filters"][0]["typed_config"]
    assert (config["options"], config["http_filters"]) == ({"kept": 1, "changed": 2}, ["router"])


def test_filters_are_inserted_first() -> None:
    limit = patch("NETWORK_FILTER", "INSERT_FIRST", {"name": "limit"})
    buffer = patch("HTTP_FILTER", "INSERT_FIRST", "buffer")
    filters = patched(listener(), [limit, buffer])["filter_chains"][0]["filters"]
    assert [each["name"] for each in filters] == ["limit", MANAGER]
    assert filters[1]["typed_config"]["http_filters"] == ["buffer", "router"]


def test_a_filter_is_inserted_before_the_router() -> None:
    buffer = patch("HTTP_FILTER", "INSERT_FIRST", "buffer")
    limit = patch("HTTP_FILTER", "INSERT_BEFORE", "limit", before="envoy.filters.http.router")
    for patches in ([buffer, limit], [limit, buffer]):
        manager = patched(listener(), patches)["filter_chains"][0]["filters"][0]
        assert manager["typed_config"]["http_filters"] == ["buffer", "limit", "router"]


def test_the_route_configuration_is_merged() -> None:
    value = {"request_headers_to_remove": ["x-forwarded-user"]}
    manager = patched(listener(), [patch("ROUTE_CONFIGURATION", "MERGE", value)])["filter_chains"][0]["filters"][0]
    assert manager["typed_config"]["route_config"] == {"virtual_hosts": []} | value


def test_a_listeners_own_fields_are_merged() -> None:
    found = patched(listener(), [patch("LISTENER", "MERGE", {"per_connection_buffer_limit_bytes": 1})])
    assert (found["name"], found["per_connection_buffer_limit_bytes"]) == ("gateway", 1)


def test_the_filter_chains_own_fields_are_merged() -> None:
    (chain,) = patched(listener(), [patch("FILTER_CHAIN", "MERGE", {"transport_socket_connect_timeout": "5s"})])[
        "filter_chains"
    ]
    assert (chain["transport_socket_connect_timeout"], chain["filters"][0]["name"]) == ("5s", MANAGER)


def test_a_patch_for_a_port_of_the_ingress_gateway_is_left_out() -> None:
    over_tls = patch("HTTP_FILTER", "INSERT_FIRST", "hsts") | {"match": {"listener": {"portNumber": 8443}}}
    assert patched(listener(), [over_tls]) == listener()


@pytest.mark.parametrize(
    ("target", "operation", "before"),
    [
        ("CLUSTER", "MERGE", None),
        ("HTTP_FILTER", "REMOVE", None),
        ("HTTP_FILTER", "INSERT_BEFORE", "envoy.filters.http.rbac"),
    ],
)
def test_a_patch_that_the_gateway_cannot_apply_is_refused_by_name(
    target: str, operation: str, before: str | None
) -> None:
    with pytest.raises(GatewayError, match=f"{operation} to {target}"):
        patched(listener(), [patch(target, operation, {}, before)])


def test_only_the_ingress_gateways_patches_are_read(tmp_path: Path) -> None:
    path = tmp_path / "envoyfilters.yaml"
    path.write_text("""
kind: EnvoyFilter
spec: {workloadSelector: {labels: {istio: ingressgateway}}, configPatches: [{of: gateway}]}
---
kind: EnvoyFilter
spec: {configPatches: [{of: services}]}
""")
    assert gateway_patches(path, path) == [{"of": "gateway"}] * 2
