"""The Gateway API overlay (k8s/istio/overlays/gateway-api), in place of Istio's Gateway and VirtualService."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.charts import kustomize
from tests.e2e.cluster import Cluster, run, wait_for
from tests.e2e.conftest import CERTIFIED_NAME, Gateway
from tests.e2e.proxies import admin, draining

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
GATEWAY_NAMESPACE = "istio-system"
SERVICE = "efishery-istio"  # Istio makes it for the Gateway efishery
ADDED = (
    ("istio-system", "gateways.gateway.networking.k8s.io", "efishery"),
    ("istio-system", "configmaps", "efishery-gateway"),
    ("efishery", "httproutes.gateway.networking.k8s.io", "efishery", "redirect"),
)


@pytest.fixture(scope="module")
def through_gateway_api(
    repository: Path, cluster: Cluster, gateway: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """The API through the overlay's gateway, as a host for which the certificate is."""
    run(repository, "hack/gateway-api-crds")
    folder = kustomize.installation(
        tmp_path_factory.mktemp("k8s") / "istio", of=kustomize.GATEWAY_API, hosts=[CERTIFIED_NAME]
    )
    with _applied(repository, folder):
        wait_for("the gateway's pod", lambda: _is_available(cluster), 60)
        with _forwarded(repository) as url:
            found = Gateway(url, CERTIFIED_NAME)
            wait_for("the routes", lambda: _answers(found), 60)
            yield found
    wait_for("the gateway of Istio's API", lambda: gateway.get("/ping").status_code == 200, 60)
    # Until then, connections that the gateway has opened meanwhile are judged by the overlay's policies.
    wait_for("the proxies to end replaced listeners", lambda: not draining(repository, cluster))


@contextmanager
def _applied(repository: Path, folder: Path) -> Iterator[None]:
    """Apply a kustomization; at the end delete what it has added and apply again what was there before."""
    items = json.loads(run(repository, "kubectl", "get", "-k", "k8s/istio", "-o", "json"))["items"]
    before = [json.loads(item["metadata"]["annotations"][LAST_APPLIED]) for item in items]
    try:
        run(repository, "kubectl", "apply", "-k", str(folder))
        yield
    finally:
        for namespace, kind, *names in ADDED:
            run(repository, "kubectl", "-n", namespace, "delete", kind, *names)
        again = json.dumps({"apiVersion": "v1", "kind": "List", "items": before})
        run(repository, "kubectl", "apply", "-f", "-", stdin=again)


def _is_available(cluster: Cluster) -> bool:
    found = cluster.apps.list_namespaced_deployment(GATEWAY_NAMESPACE, field_selector=f"metadata.name={SERVICE}").items
    return bool(found and found[0].status.available_replicas)


@contextmanager
def _forwarded(repository: Path) -> Iterator[str]:
    command = ["kubectl", "-n", GATEWAY_NAMESPACE, "port-forward", f"service/{SERVICE}", ":443"]
    with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found
            yield f"https://127.0.0.1:{found[1]}"
        finally:
            process.terminate()


def _answers(gateway: Gateway) -> bool:
    try:
        return gateway.get("/ping").status_code == 200
    except OSError:  # no listener yet
        return False


def test_a_login_reads_the_list(cluster: Cluster, through_gateway_api: Gateway) -> None:
    first = cluster.secret("auth-first-admin")
    token = through_gateway_api.login(first["phone"], first["password"])
    assert through_gateway_api.get("/fetch/resource?limit=1", token).status_code == 200
    assert through_gateway_api.get("/docs/").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", "", 404),
        ("GET", "/auth/nothing", "", 403),
        ("GET", "/fetch/resource", "", 403),
        ("POST", "/auth/register", '{"name": "Mallory", "phone": "+6281100000099", "role": "admin"}', 403),
        ("POST", "/auth/login", " " * 17 * 1024, 413),
    ],
)
def test_what_is_refused_is_an_envelope(
    through_gateway_api: Gateway, method: str, path: str, body: str, status: int
) -> None:
    json_body = {"Content-Type": "application/json"}
    answer = through_gateway_api.request(method, path, data=body, headers=json_body)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["Strict-Transport-Security"]
    assert "Server" not in answer.headers


def test_its_memory_has_a_bound(through_gateway_api: Gateway, repository: Path) -> None:
    configuration = admin(repository, GATEWAY_NAMESPACE, f"deployment/{SERVICE}", "config_dump")
    assert '"name": "envoy.resource_monitors.fixed_heap"' in configuration


def test_other_hosts_are_404(through_gateway_api: Gateway) -> None:
    assert through_gateway_api.get("/ping", {"Host": "other.example"}).status_code == 404
