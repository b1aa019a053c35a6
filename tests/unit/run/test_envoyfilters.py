"""The patches of EnvoyFilters, applied to a listener."""

from pathlib import Path
from typing import Any

import pytest

from efishery_run.envoyfilters import gateway_patches, patched
from efishery_run.errors import LaunchError

MANAGER = "envoy.filters.network.http_connection_manager"


def listener() -> dict[str, Any]:
    manager = {"name": MANAGER, "typed_config": {"options": {"kept": 1, "changed": 1}, "http_filters": ["router"]}}
    return {"name": "gateway", "filter_chains": [{"filters": [manager]}]}


def patch(target: str, operation: str, value: Any) -> dict[str, Any]:
    return {"applyTo": target, "patch": {"operation": operation, "value": value}}


def test_objects_are_merged_and_values_replaced() -> None:
    value = {"name": MANAGER, "typed_config": {"options": {"changed": 2}}}
    found = patched(listener(), [patch("NETWORK_FILTER", "MERGE", value)])
    config = found["filter_chains"][0]["filters"][0]["typed_config"]
    assert config == {"options": {"kept": 1, "changed": 2}, "http_filters": ["router"]}


def test_filters_are_inserted_first() -> None:
    limit = patch("NETWORK_FILTER", "INSERT_FIRST", {"name": "limit"})
    buffer = patch("HTTP_FILTER", "INSERT_FIRST", "buffer")
    filters = patched(listener(), [limit, buffer])["filter_chains"][0]["filters"]
    assert [each["name"] for each in filters] == ["limit", MANAGER]
    assert filters[1]["typed_config"]["http_filters"] == ["buffer", "router"]


def test_a_listeners_own_fields_are_merged() -> None:
    found = patched(listener(), [patch("LISTENER", "MERGE", {"per_connection_buffer_limit_bytes": 1})])
    assert (found["name"], found["per_connection_buffer_limit_bytes"]) == ("gateway", 1)


@pytest.mark.parametrize(("target", "operation"), [("CLUSTER", "MERGE"), ("HTTP_FILTER", "REMOVE")])
def test_a_patch_that_the_gateway_cannot_apply_is_refused_by_name(target: str, operation: str) -> None:
    with pytest.raises(LaunchError, match=f"{operation} to {target}"):
        patched(listener(), [patch(target, operation, {})])


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
