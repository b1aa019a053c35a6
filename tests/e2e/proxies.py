"""The state of the gateway and of the sidecar proxies (Envoy)."""

import re
from pathlib import Path

from tests.e2e.cluster import NAMESPACE, Cluster, run

# Where these are not 0, Envoy has replaced a listener, or a part of it, and closes its connections after Istio's
# `drainDuration`, by default 45 s.
DRAINING = re.compile(r"total_(?:filter_chains|listeners)_draining: (\d+)")


def admin(repository: Path, namespace: str, workload: str, path: str) -> str:
    """Return what a proxy's admin interface answers at `path`; `workload` is a pod, or deployment/NAME."""
    request = ("pilot-agent", "request", "GET", path)
    return run(repository, "kubectl", "-n", namespace, "exec", workload, "-c", "istio-proxy", "--", *request)


def draining(repository: Path, cluster: Cluster) -> int:
    """Count the listeners and parts of listeners that the proxies of auth and MySQL have replaced and not ended yet."""
    pods = cluster.core.list_namespaced_pod(NAMESPACE, label_selector="app.kubernetes.io/name in (auth,mysql)").items
    found = [admin(repository, NAMESPACE, pod.metadata.name, "stats?filter=draining") for pod in pods]
    return sum(int(count) for text in found for count in DRAINING.findall(text))


def gateway_endpoints(repository: Path, service: str) -> int:
    """Count the pods of a service to which the gateway would send requests: it learns of them after Kubernetes does."""
    endpoint = rf"^outbound\|80\|\|{service}\.{NAMESPACE}\..*::health_flags::healthy$"
    clusters = admin(repository, "istio-system", "deployment/istio-ingressgateway", "clusters")
    return len(re.findall(endpoint, clusters, re.MULTILINE))
