"""The proxies connect only to what the chart declares (egress.registryOnly, which hack/values-dev.yaml sets)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.charts import helm
from tests.charts.manifests import parse
from tests.e2e.callers import Probe, send
from tests.e2e.cluster import NAMESPACE, Cluster, run, wait_for

PORT = 8000
SERVER = f"""
from http.server import HTTPServer, SimpleHTTPRequestHandler
HTTPServer(("", {PORT}), SimpleHTTPRequestHandler).serve_forever()
"""
SAMPLE = Probe(f"sample.{NAMESPACE}.svc.cluster.local", 80, "/rate")


@dataclass(frozen=True)
class Outside:
    """A server outside the mesh: namespace, host as the chart takes it for one of no Service, address."""

    namespace: str
    host: str
    address: str


@pytest.fixture(scope="module")
def outside(cluster: Cluster) -> Iterator[Outside]:
    with cluster.temporary_namespace() as namespace, cluster.python_server(namespace, SERVER, PORT) as name:
        address = cluster.core.read_namespaced_pod(name, namespace).status.pod_ip
        yield Outside(namespace, f"{name}.{namespace}", address)


@contextmanager
def declared(repository: Path, url: str) -> Iterator[None]:
    """Create the ServiceEntry that the chart has for a URL."""
    chart = ["--values", str(repository / "hack/values-dev.yaml"), "--set", f"egress.extraUrls={{{url}}}"]
    rendered = helm.template("efishery", *chart, "--show-only", "templates/egress/serviceentry.yaml").stdout
    (entry,) = parse(rendered).of("ServiceEntry")
    kubectl = ["kubectl", "-n", NAMESPACE]
    run(repository, *kubectl, "apply", "-f", "-", stdin=rendered)
    try:
        yield
    finally:
        run(repository, *kubectl, "delete", "serviceentry", entry.name)


@pytest.mark.timeout(180)
def test_only_declared_hosts_are_reached(cluster: Cluster, repository: Path, outside: Outside) -> None:
    by_name, by_address = Probe(outside.host, PORT, "/"), Probe(outside.address, PORT, "/")
    assert send(cluster, outside.namespace, "default", [by_name, by_address]) == ["200", "200"], "it serves"
    refused = send(cluster, NAMESPACE, "fetch", [by_name, by_address, SAMPLE])
    assert refused[0] in ("502", "ConnectionResetError", "RemoteDisconnected")
    assert refused[1] in ("502", "ConnectionResetError", "RemoteDisconnected")
    assert refused[2] == "200", "declared by its Service"
    with declared(repository, f"http://{outside.host}:{PORT}"):
        wait_for("the declared host", lambda: send(cluster, NAMESPACE, "fetch", [by_name]) == ["200"], 60)
