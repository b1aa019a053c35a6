"""An OpenTelemetry Collector as a process on the node, which pods reach as a Service, and the spans that it has got."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.cluster import Cluster, run
from tests.e2e.processes import running

NAMESPACE, SERVICE = "observability", "collector"  # as in hack/istio.yaml
PORT = 4318
ENDPOINT = f"http://{SERVICE}.{NAMESPACE}.svc:{PORT}"
INTERNAL, SERVER, CLIENT = 1, 2, 3  # OTLP's numbers of the kinds of spans


@dataclass(frozen=True)
class ReceivedSpan:
    """A span, with the name of the service that sent it."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Collector:
    """The file that the collector writes."""

    file: Path

    def text(self) -> str:
        """Return everything that has arrived."""
        return self.file.read_text() if self.file.exists() else ""

    def spans(self) -> list[ReceivedSpan]:
        """Return the spans that have arrived."""
        complete = self.text().rpartition("\n")[0].splitlines()
        return [span for line in complete for each in json.loads(line)["resourceSpans"] for span in _spans(each)]

    def trace(self, trace_id: str) -> list[ReceivedSpan]:
        """Return the spans of one trace."""
        return [span for span in self.spans() if span.trace_id == trace_id]


@contextmanager
def collecting(cluster: Cluster, repository: Path, folder: Path) -> Iterator[Collector]:
    """Run the collector, reachable from pods, until the end of the block."""
    run(repository, "hack/tools", "otel-collector", seconds=900)
    file, config, log = folder / "spans.json", folder / "collector.yaml", folder / "collector.log"
    config.write_text(yaml.safe_dump(_config(file)))
    command = (repository / ".tools/bin/otel-collector", f"--config=file:{config}")
    with running(command, log, lambda: "Everything is ready" in log.read_text()), _service(cluster, repository):
        yield Collector(file)


def _config(file: Path) -> dict[str, Any]:
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"0.0.0.0:{PORT}"}}}},
        "exporters": {"file": {"path": str(file), "flush_interval": "1s"}},
        "service": {
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
            "telemetry": {"metrics": {"level": "none"}},
        },
    }


@contextmanager
def _service(cluster: Cluster, repository: Path) -> Iterator[None]:
    """Make a Service without selector, and its addresses: that of the node."""
    (node,) = cluster.core.list_node().items
    address = next(each.address for each in node.status.addresses if each.type == "InternalIP")
    metadata = {"name": SERVICE, "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": SERVICE}}
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": [{"name": "http", "port": PORT}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": metadata,
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": PORT}],
            "endpoints": [{"addresses": [address]}],
        },
    ]
    run(repository, "kubectl", "apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
    try:
        yield
    finally:
        run(repository, "kubectl", "delete", "namespace", NAMESPACE, "--wait=false")


def _spans(of_resource: dict[str, Any]) -> Iterator[ReceivedSpan]:
    service = str(_values(of_resource.get("resource", {})).get("service.name", ""))
    for scope in of_resource["scopeSpans"]:
        for span in scope["spans"]:
            ids = (span["traceId"], span["spanId"], span.get("parentSpanId", ""))
            yield ReceivedSpan(service, span["name"], span.get("kind", 0), *ids, _values(span))


def _values(holder: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes; each value is `{"stringValue": …}` or the like."""
    return {each["key"]: next(iter(each["value"].values()), None) for each in holder.get("attributes", [])}
