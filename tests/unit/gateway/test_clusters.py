"""Envoy's clusters from the DestinationRules."""

from pathlib import Path
from typing import Any

import pytest

from efishery_gateway import clusters as module
from efishery_gateway.addresses import Address
from efishery_gateway.errors import GatewayError

OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def cluster(folder: Path, pool: str) -> dict[str, Any]:
    path = folder / "destinationrules.yaml"
    path.write_text(f"metadata: {{name: auth}}\nspec: {{trafficPolicy: {{connectionPool: {pool}}}}}")
    return next(iter(module.clusters(path, {"auth": Address("auth", 8001)})))


def test_a_connection_pool_becomes_limits(tmp_path: Path) -> None:
    pool = "{tcp: {connectTimeout: 1s}, http: {http2MaxRequests: 3, http1MaxPendingRequests: 4, idleTimeout: 1m}}"
    found = cluster(tmp_path, pool)
    assert found["connect_timeout"] == "1s"
    assert found["circuit_breakers"] == {"thresholds": [{"max_requests": 3, "max_pending_requests": 4}]}
    options = found["typed_extension_protocol_options"][OPTIONS]
    assert options["common_http_protocol_options"] == {"idle_timeout": "60s"}


def test_a_service_without_a_rule_has_envoys_limits(tmp_path: Path) -> None:
    path = tmp_path / "destinationrules.yaml"
    path.write_text("")
    found = next(iter(module.clusters(path, {"sample": Address("sample", 8004)})))
    assert found["connect_timeout"] == "2s"
    assert "circuit_breakers" not in found


def test_a_limit_that_the_gateway_does_not_know_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="maxRetries in the DestinationRule of auth"):
        cluster(tmp_path, "{http: {maxRetries: 3}}")
