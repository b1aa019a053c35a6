"""The mesh's policies name the callers and the requests that tests/who_may_talk.py declares, and no other callers."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.charts.manifests import Manifests
from tests.who_may_talk import GATEWAY, PORTS, PROMETHEUS, Port, Request, account

NAME = "app.kubernetes.io/name"
GATEWAY_ACCOUNTS = {"istio-system/istio-ingressgateway-service-account", "istio-system/istio-ingressgateway"}
REQUESTS = [pytest.param(port, each, id=each.path) for port in PORTS for each in port.requests if each.role]


def accounts(port: Port) -> set[str]:
    """Return the ServiceAccounts of a port's callers that have a proxy."""
    known = {account(caller) for caller in port.callers} - {GATEWAY, PROMETHEUS}
    return known | (GATEWAY_ACCOUNTS if GATEWAY in port.callers else set())


def admissions(istio: Manifests) -> Iterator[tuple[tuple[str, int], dict[str, Any], dict[str, Any]]]:
    """Yield component and port, operation and rule of everything that a policy allows."""
    for policy in istio.of("AuthorizationPolicy"):
        if policy.spec.get("action") == "ALLOW":
            component = policy.spec["selector"]["matchLabels"][NAME]
            for rule in policy.spec["rules"]:
                for operation in (target["operation"] for target in rule["to"]):
                    for port in operation["ports"]:
                        yield (component, int(port)), operation, rule


def callers(rule: dict[str, Any]) -> set[str]:
    return {name for source in rule["from"] for name in source["source"]["serviceAccounts"]}


def test_policies_name_the_declared_callers(istio: Manifests) -> None:
    declared: dict[tuple[str, int], set[str]] = defaultdict(set)
    named: dict[tuple[str, int], set[str]] = defaultdict(set)
    for port in PORTS:
        if accounts(port):
            declared[port.component, port.number] |= accounts(port)
    for where, _, rule in admissions(istio):
        named[where] |= callers(rule)
    assert named == declared


@pytest.mark.parametrize(("port", "request_"), REQUESTS)
def test_policies_allow_the_declared_requests(istio: Manifests, port: Port, request_: Request) -> None:
    path = request_.path.rstrip("/")
    rules = [
        rule
        for where, operation, rule in admissions(istio)
        if where == (port.component, port.number) and path in operation["paths"]
    ]
    assert {name for rule in rules for name in callers(rule)} == accounts(port)
    with_token = {bool(source["source"].get("requestPrincipals")) for rule in rules for source in rule["from"]}
    assert with_token == {request_.role != "none"}
    roles = [condition["values"] for rule in rules for condition in rule.get("when", [])]
    assert roles == ([["admin"]] if request_.role == "admin" else [])
