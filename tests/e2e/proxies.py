"""The state of the sidecar proxies (Envoy)."""

import re
from pathlib import Path

from tests.e2e.cluster import NAMESPACE, Cluster, run

# Where these are not 0, Envoy has replaced a listener, or a part of it, and closes its connections after Istio's
# `drainDuration`, by default 45 s.
DRAINING = re.compile(r"total_(?:filter_chains|listeners)_draining: (\d+)")


def draining(repository: Path, cluster: Cluster) -> int:
    """Count the listeners and parts of listeners that the proxies of auth and MySQL have replaced and not ended yet."""
    pods = cluster.core.list_namespaced_pod(NAMESPACE, label_selector="app.kubernetes.io/name in (auth,mysql)").items
    stats = ("pilot-agent", "request", "GET", "stats?filter=draining")
    command = ("kubectl", "-n", NAMESPACE, "exec", "-c", "istio-proxy")
    found = [run(repository, *command, pod.metadata.name, "--", *stats) for pod in pods]
    return sum(int(count) for text in found for count in DRAINING.findall(text))
