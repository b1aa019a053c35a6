"""What the Prometheus Operator makes of a PodMonitor, and the discovery of pods, which Debian's Prometheus lacks.

Pods are reached through the API server, so that it works where their addresses are not routed.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from logging import getLogger
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client
from urllib3.exceptions import HTTPError

from tests.charts.manifests import Manifest
from tests.e2e.cluster import NAMESPACE, Cluster

SCRAPE_SECONDS = 2
DISCOVERY_SECONDS = 1

log = getLogger(__name__)

Config = dict[str, Any]


def scrape_config(monitor: Manifest, targets: Path) -> Config:
    """Return the scrape configuration of a PodMonitor, as the Prometheus Operator makes it, through the API server."""
    api, api_address = _api_access()
    (endpoint,) = monitor.spec["podMetricsEndpoints"]
    return {
        "job_name": monitor.name,
        "scrape_interval": f"{SCRAPE_SECONDS}s",
        "scheme": "https",
        **api,
        "file_sd_configs": [{"files": [str(targets)]}],
        "relabel_configs": [
            *_selection(monitor),
            _keep("__meta_kubernetes_pod_container_port_name", endpoint["port"]),
            _keep("__meta_kubernetes_pod_phase", "Running|Pending|Unknown"),
            _copy("__meta_kubernetes_namespace", "namespace"),
            _copy("__meta_kubernetes_pod_name", "pod"),
            _copy(_label(monitor.spec["jobLabel"]), "job"),
            *(_copy(_label(name), _snake(name)) for name in monitor.spec["podTargetLabels"]),
            *(_snake_keys(rule) for rule in endpoint["relabelings"]),
            *_through_api_server(api_address),
        ],
        "metric_relabel_configs": [_snake_keys(rule) for rule in endpoint["metricRelabelings"]],
    }


@contextmanager
def discovery(cluster: Cluster, targets: Path) -> Iterator[None]:
    """Keep the file of targets current."""
    ended = Event()

    def discover() -> None:
        while not ended.wait(DISCOVERY_SECONDS):
            try:
                _write_targets(cluster, targets)
            except (OSError, client.ApiException, HTTPError) as error:
                log.warning("pods not discovered: %s", error)

    _write_targets(cluster, targets)
    thread = Thread(target=discover, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _write_targets(cluster: Cluster, targets: Path) -> None:
    pods = cluster.core.list_namespaced_pod(NAMESPACE).items
    new = targets.with_suffix(".new.json")
    new.write_text(json.dumps([target for pod in pods if pod.status.pod_ip for target in _targets(pod)]))
    new.replace(targets)  # at once: Prometheus reads it at any time


def _targets(pod: Any) -> Iterator[Config]:
    """Yield a target for each port, with the labels of Prometheus' discovery of pods that PodMonitors use."""
    labels = {
        "namespace": pod.metadata.namespace,
        "pod_name": pod.metadata.name,
        "pod_ip": pod.status.pod_ip,
        "pod_phase": pod.status.phase,
        **{f"pod_label_{_snake(name)}": value for name, value in (pod.metadata.labels or {}).items()},
        **{f"pod_annotation_{_snake(name)}": value for name, value in (pod.metadata.annotations or {}).items()},
    }
    for container in [*pod.spec.containers, *(pod.spec.init_containers or [])]:
        for port in container.ports or []:
            named = {**labels, "pod_container_port_name": port.name or ""}
            yield {
                "targets": [f"{pod.status.pod_ip}:{port.container_port}"],
                "labels": {f"__meta_kubernetes_{name}": value for name, value in named.items()},
            }


def _api_access() -> tuple[Config, str]:
    """Return how Prometheus logs in to the API server as the current kubectl context does, and the server's address."""
    configuration: Any = client.Configuration.get_default_copy()
    files = configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file
    named = zip(("ca_file", "cert_file", "key_file"), files, strict=True)
    api: Config = {"tls_config": {name: path for name, path in named if path}}
    if token := configuration.api_key.get("authorization"):
        api["authorization"] = {"credentials": token.removeprefix("Bearer ")}
    return api, urlsplit(configuration.host).netloc


def _selection(monitor: Manifest) -> list[Config]:
    selector = monitor.spec["selector"]
    alternatives = {name: [value] for name, value in selector.get("matchLabels", {}).items()}
    alternatives |= {each["key"]: each["values"] for each in selector.get("matchExpressions", [])}
    return [_keep(_label(name), "|".join(values)) for name, values in alternatives.items()]


def _through_api_server(address: str) -> list[Config]:
    pod = ["__meta_kubernetes_namespace", "__meta_kubernetes_pod_name", "__address__", "__metrics_path__"]
    proxy = "/api/v1/namespaces/$1/pods/$2:$3/proxy$4"
    return [
        {"source_labels": pod, "regex": r"(.+);(.+);.+:(\d+);(.+)", "replacement": proxy, "target_label": pod[3]},
        {"target_label": "__address__", "replacement": address},
    ]


def _keep(label: str, regex: str) -> Config:
    return {"source_labels": [label], "regex": regex, "action": "keep"}


def _copy(source: str, target: str) -> Config:
    return {"source_labels": [source], "target_label": target}


def _label(name: str) -> str:
    return f"__meta_kubernetes_pod_label_{_snake(name)}"


def _snake(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _snake_keys(rule: Config) -> Config:
    return {re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", key): value for key, value in rule.items()}
