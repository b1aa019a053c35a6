"""A Prometheus and an Alertmanager, as processes beside the tests, with the chart's PodMonitors and rules.

What the Prometheus Operator makes of a PodMonitor is made here, and the discovery of pods too, which Debian's build of
Prometheus lacks. Pods are reached through the API server, so that it works where their addresses are not routed.
"""

import json
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml
from kubernetes import client
from urllib3.exceptions import HTTPError

from tests.charts import helm
from tests.charts.manifests import Manifest, Manifests, parse
from tests.e2e.cluster import NAMESPACE, Cluster, run, wait_for

SPEED = 20  # rules get a twentieth of their `for`, ranges and offsets: 5 min are 15 s. Their thresholds stay
SCRAPE_SECONDS = 2
DISCOVERY_SECONDS = 1
TARGETS = "targets.json"

log = getLogger(__name__)

Config = dict[str, Any]
Labels = Mapping[str, str]
NO_LABELS: Labels = {}


@dataclass(frozen=True)
class Monitoring:
    """The two servers' URLs."""

    prometheus: str
    alertmanager: str

    def query(self, expression: str) -> list[Any]:
        """Return the series that an expression has now."""
        answer = requests.get(f"{self.prometheus}/api/v1/query", params={"query": expression}, timeout=10)
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        result: list[Any] = answer.json()["data"]["result"]
        return result

    def targets(self) -> list[Config]:
        """Return what is scraped."""
        answer = requests.get(f"{self.prometheus}/api/v1/targets", params={"state": "active"}, timeout=10)
        found: list[Config] = answer.json()["data"]["activeTargets"]
        return found

    def firing(self, alert: str, labels: Labels = NO_LABELS) -> list[Config]:
        """Return the alerts of this name and with these labels that Alertmanager would send now."""
        filters = [f'{name}="{value}"' for name, value in {"alertname": alert, **labels}.items()]
        answer = requests.get(
            f"{self.alertmanager}/api/v2/alerts", params={"filter": filters, "active": "true"}, timeout=10
        )
        found: list[Config] = answer.json()
        return found

    def wait_until_fires(self, alert: str, labels: Labels = NO_LABELS, *, seconds: float = 120) -> Config:
        """Wait until Alertmanager has the alert; return it."""
        (found, *_) = wait_for(f"{alert} to fire", lambda: self.firing(alert, labels), seconds)
        return found

    def wait_until_resolved(self, alert: str, labels: Labels = NO_LABELS, *, seconds: float = 240) -> None:
        """Wait until Alertmanager has it no more."""
        wait_for(f"{alert} to resolve", lambda: not self.firing(alert, labels), seconds)


@contextmanager
def monitoring(cluster: Cluster, repository: Path, folder: Path) -> Iterator[Monitoring]:
    """Run both servers with their data in `folder`."""
    run(repository, "hack/install-prometheus", "prometheus")
    run(repository, "hack/tools", "alertmanager", seconds=900)
    servers = Monitoring(*(f"http://127.0.0.1:{_free_port()}" for _ in range(2)))
    rendered = _rendered(repository)
    _write(folder / "prometheus.yaml", _prometheus_config(rendered, folder, servers))
    _write(folder / "alertmanager.yaml", {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]})
    _write(folder / "rules.yaml", {"groups": faster_groups(rendered)})
    commands = (
        ["prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"],
        ["alertmanager", f"--config.file={folder}/alertmanager.yaml", f"--storage.path={folder}/alertmanager"],
    )
    with (
        _discovery(cluster, folder / TARGETS),
        _process(repository, folder, [*commands[0], *_listen(servers.prometheus)], f"{servers.prometheus}/-/ready"),
        _process(
            repository,
            folder,
            [*commands[1], *_listen(servers.alertmanager), "--cluster.listen-address="],
            f"{servers.alertmanager}/-/ready",
        ),
    ):
        yield servers


def faster_groups(rendered: Manifests) -> list[Config]:
    """Return the groups of all PrometheusRules, `SPEED` times as fast."""
    groups = [group for each in rendered.of("PrometheusRule") for group in each.spec["groups"]]
    for rule in (rule for group in groups for rule in group["rules"]):
        if "for" in rule:
            rule["for"] = _faster(rule["for"])
        rule["expr"] = re.sub(r"(?<=\[)\w+(?=\])|(?<=offset )\w+", lambda found: _faster(found[0]), rule["expr"])
    return groups


def scrape_config(monitor: Manifest, targets: Path, api: Config, api_address: str) -> Config:
    """Return the scrape configuration of a PodMonitor, as the Prometheus Operator makes it, through the API server."""
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


def _rendered(repository: Path) -> Manifests:
    switches = [f"--set=global.monitoring.{kind}.enabled=true" for kind in ("podMonitors", "rules")]
    result = helm.template("efishery", "--values", str(repository / "hack/values-dev.yaml"), *switches)
    assert result.returncode == 0, result.stderr
    return parse(result.stdout)


def _prometheus_config(rendered: Manifests, folder: Path, servers: Monitoring) -> Config:
    api, address = _api_access()
    scraped = [scrape_config(monitor, folder / TARGETS, api, address) for monitor in rendered.of("PodMonitor")]
    return {
        "global": {"evaluation_interval": "1s"},
        "rule_files": [f"{folder}/rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [urlsplit(servers.alertmanager).netloc]}]}]},
        "scrape_configs": scraped,
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


def _faster(duration: str) -> str:
    number, unit = int(duration[:-1]), {"s": 1, "m": 60, "h": 3600}[duration[-1]]
    return f"{max(1, number * unit // SPEED)}s"


@contextmanager
def _discovery(cluster: Cluster, targets: Path) -> Iterator[None]:
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


def _listen(url: str) -> list[str]:
    return [f"--web.listen-address={urlsplit(url).netloc}"]


def _write(path: Path, content: Config) -> None:
    path.write_text(yaml.safe_dump(content))


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


@contextmanager
def _process(repository: Path, folder: Path, command: list[str], ready_url: str) -> Iterator[None]:
    own = repository / ".tools/bin" / command[0]
    log = folder / f"{command[0]}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(own) if own.exists() else command[0], *command[1:]], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_for(f"{command[0]} to be ready, see {log}", lambda: _is_ready(process, ready_url, log), 30)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.ConnectionError:
        return False
