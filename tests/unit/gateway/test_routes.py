"""Envoy's routes from the VirtualService."""

from pathlib import Path
from typing import Any

import pytest

from efishery_gateway import routes as module
from efishery_gateway.errors import GatewayError

SERVICES = {"auth", "fetch", "docs", "sample"}


def write(folder: Path, http: str) -> Path:
    path = folder / "virtualservice.yaml"
    path.write_text(f"kind: VirtualService\nspec:\n  http:\n{http}")
    return path


def routes(path: Path) -> list[dict[str, Any]]:
    return list(module.routes(path, SERVICES))


def test_a_rule_becomes_a_route_for_each_match(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
    - match: [{uri: {prefix: /auth/}}, {uri: {exact: /ping}}]
      route: [{destination: {host: auth.efishery.svc.cluster.local, port: {number: 80}}}]
      timeout: 1m30s
      retries: {attempts: 2, perTryTimeout: 500ms, retryOn: reset}
""",
    )
    retries = {"num_retries": 2, "retry_on": "reset", "per_try_timeout": "0.5s"}
    action = {"cluster": "auth", "timeout": "90s", "retry_policy": retries}
    assert routes(path) == [
        {"match": {"prefix": "/auth/"}, "route": action},
        {"match": {"path": "/ping"}, "route": action},
    ]


def test_a_match_may_be_for_some_methods(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
    - match: [{uri: {prefix: /docs/}, method: {regex: GET|HEAD}}]
      route: [{destination: {host: docs}}]
      retries: {attempts: 0}
""",
    )
    methods = [{"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}]
    action = {"cluster": "docs", "timeout": "0s"}
    assert routes(path) == [{"match": {"prefix": "/docs/", "headers": methods}, "route": action}]


def test_a_rule_that_delegates_is_left_out(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
    - match: [{uri: {prefix: /docs/}, gateways: [efishery]}]
      delegate: {name: docs}
      <<: &policy {timeout: 15s}
    - match: [{uri: {prefix: /docs/}}]
      route: [{destination: {host: docs}}]
      <<: *policy
""",
    )
    assert routes(path) == [{"match": {"prefix": "/docs/"}, "route": {"cluster": "docs", "timeout": "15s"}}]


def test_a_rule_without_match_takes_all_and_without_timeout_waits(tmp_path: Path) -> None:
    path = write(tmp_path, "    - route: [{destination: {host: docs}}]")
    assert routes(path) == [{"match": {"prefix": "/"}, "route": {"cluster": "docs", "timeout": "0s"}}]


@pytest.mark.parametrize(
    ("http", "reason"),
    [
        ("    - {route: [{destination: {host: docs}}], rewrite: {uri: /}}", "does not know rewrite"),
        ("    - {route: [{destination: {host: docs}}], match: [{headers: {}}]}", "does not know headers"),
        ("    - {route: [{destination: {host: docs}}], match: [{uri: {regex: .*}}]}", "match uri by regex"),
        (
            "    - {route: [{destination: {host: docs}}], match: [{uri: {prefix: /}, method: {exact: GET}}]}",
            "match method by exact",
        ),
        ("    - {route: [{destination: {host: docs}}], timeout: soon}", "duration that cannot be read: soon"),
        ("    - {route: [{destination: {host: payments}}]}", "leads to payments"),
        ("    - {match: []}", "must have one route"),
    ],
)
def test_what_the_gateway_cannot_do_is_refused_by_name(tmp_path: Path, http: str, reason: str) -> None:
    with pytest.raises(GatewayError, match=reason):
        routes(write(tmp_path, http))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(GatewayError, match="cannot be read"):
        routes(tmp_path / "virtualservice.yaml")


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_text("kind: Gateway")
    with pytest.raises(GatewayError, match="must have one VirtualService, not 0"):
        routes(tmp_path / "gateway.yaml")
