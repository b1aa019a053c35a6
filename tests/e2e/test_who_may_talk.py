"""Every caller, in the mesh and outside, with every Service, port and role: as tests/who_may_talk.py declares."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.e2e.callers import Probe, send
from tests.e2e.cluster import NAMESPACE, Cluster
from tests.e2e.conftest import Gateway, Headers
from tests.who_may_talk import GATEWAY, PORTS, PROMETHEUS, ROLES, Port, Request, account, mesh_allows

COMPONENTS = {port.component for port in PORTS}
IN_RELEASE = {caller for port in PORTS for caller in port.callers} - {GATEWAY, PROMETHEUS}
ACCOUNTS = sorted({account(component) for component in COMPONENTS | IN_RELEASE} | {"default"})
NOBODY = "default"  # no policy names this account, nor any of another namespace
SERVICES = {"mysql": "mysql-primary"}
SERVICE_PORTS = {8080: 80}
REFUSALS = {"403", "404", "closed", "ConnectionResetError", "BrokenPipeError", "RemoteDisconnected"}


@dataclass(frozen=True)
class Case:
    """A request with the token of a role, or a connection without one."""

    port: Port
    request: Request | None
    role: str

    def __str__(self) -> str:
        return f"{self.port.component}:{self.port.number} {self.request.path if self.request else 'TCP'} {self.role}"

    def probe(self, tokens: dict[str, Headers]) -> Probe:
        headless = self.port.number == 9091
        service = self.port.component if headless else SERVICES.get(self.port.component, self.port.component)
        host = f"{service}.{NAMESPACE}.svc.cluster.local"
        path = self.request.path if self.request else ""
        number = SERVICE_PORTS.get(self.port.number, self.port.number)
        return Probe(host, number, path, tuple(tokens[self.role].items()))


CASES = [Case(port, request, role) for port in PORTS for request in port.requests for role in ROLES]
CASES += [Case(port, None, "none") for port in PORTS if not port.requests]


def wrong(caller: str, outcomes: list[str], cases: list[Case], declared: list[bool]) -> set[str]:
    """Return each outcome that is not as declared."""
    found = zip(cases, outcomes, declared, strict=True)
    good = {True: {"200", "answer"}, False: REFUSALS}
    return {f"{caller} → {case}: {outcome}" for case, outcome, allowed in found if outcome not in good[allowed]}


@pytest.fixture
def tokens(user: Headers, admin: Headers) -> dict[str, Headers]:
    return {"none": {}, "user": user, "admin": admin}


@pytest.fixture
def accounts(cluster: Cluster) -> Iterator[None]:
    """The ServiceAccounts of Jobs and tests, of which some exist only while these run."""
    created = []
    for name in ACCOUNTS:
        try:
            cluster.core.read_namespaced_service_account(name, NAMESPACE)
        except ApiException:
            body = client.V1ServiceAccount(metadata=client.V1ObjectMeta(name=name))
            cluster.core.create_namespaced_service_account(NAMESPACE, body)
            created.append(name)
    yield
    for name in created:
        cluster.core.delete_namespaced_service_account(name, NAMESPACE)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("accounts")
def test_who_may_talk_inside_the_cluster(cluster: Cluster, tokens: dict[str, Headers]) -> None:
    probes = [case.probe(tokens) for case in CASES]
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    with ExitStack() as stack:
        plain = stack.enter_context(cluster.temporary_namespace(**restricted))
        meshed = stack.enter_context(cluster.temporary_namespace(**restricted, **{"istio-injection": "enabled"}))
        callers = [(NAMESPACE, name) for name in ACCOUNTS] + [(plain, NOBODY), (meshed, NOBODY)]
        with ThreadPoolExecutor(len(callers)) as pool:
            outcomes = list(pool.map(lambda caller: send(cluster, caller[0], caller[1], probes), callers))
    found = set()
    for (namespace, name), of_caller in zip(callers, outcomes, strict=True):
        declared = [mesh_allows(name, case.port, case.request, case.role) for case in CASES]
        found |= wrong(f"{namespace}/{name}", of_caller, CASES, declared)
    assert sorted(found) == []


def test_what_the_gateway_lets_through(gateway: Gateway, tokens: dict[str, Headers]) -> None:
    cases = [case for case in CASES if case.request and case.port.number == 8080]
    outcomes = [str(gateway.get(case.request.path, tokens[case.role]).status_code) for case in cases if case.request]
    declared = [mesh_allows(GATEWAY, case.port, case.request, case.role) for case in cases]
    assert wrong(GATEWAY, outcomes, cases, declared) == set()
