"""Prometheus, Alertmanager and blackbox exporter, beside the tests, with the chart's PodMonitors and rules."""

import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml

from tests.charts import helm
from tests.charts.manifests import Manifests, parse
from tests.e2e.cluster import Cluster, run
from tests.e2e.monitoring.gateway_probe import MODULES, probe_config
from tests.e2e.monitoring.kube_state import kube_state, kube_state_config
from tests.e2e.monitoring.pod_monitors import Config, discovery, scrape_config
from tests.e2e.processes import running
from tests.system.running import free_port

# Every `for`, range and offset of the rules is divided by it: 5 min are 10 s. Expressions and thresholds stay.
SPEED = 30
BLACKBOX_EXPORTER = "prometheus-blackbox-exporter"
TARGETS = "targets.json"
# The scraped processes of pods. Not `up`: Istio's agent answers the scrape of a pod whose process does not start.
PROCESSES = 'python_info{pod!=""}'


@dataclass(frozen=True)
class Monitoring:
    """The servers' URLs, and when they were started."""

    prometheus: str
    alertmanager: str
    blackbox_exporter: str
    started: float = field(default_factory=time.time, init=False)

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

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[Any]:
        """Return the series of an expression, with a value each `step` seconds."""
        params = {"query": expression, "start": str(start), "end": str(end), "step": str(step)}
        answer = requests.get(f"{self.prometheus}/api/v1/query_range", params=params, timeout=30)
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        result: list[Any] = answer.json()["data"]["result"]
        return result

    def firing(self) -> list[Config]:
        """Return the alerts that Alertmanager would send now."""
        answer = requests.get(f"{self.alertmanager}/api/v2/alerts", params={"active": "true"}, timeout=10)
        found: list[Config] = answer.json()
        return found


@contextmanager
def monitoring(cluster: Cluster, repository: Path, gateway_url: str, folder: Path) -> Iterator[Monitoring]:
    """Run the servers with their data in `folder`."""
    run(repository, "hack/install-prometheus", "prometheus", BLACKBOX_EXPORTER)
    run(repository, "hack/tools", "alertmanager", seconds=900)
    servers = Monitoring(*(f"http://127.0.0.1:{free_port()}" for _ in range(3)))
    state_port = free_port()
    rendered = _rendered(repository)
    scraped = [scrape_config(monitor, folder / TARGETS) for monitor in rendered.of("PodMonitor")]
    scraped += [kube_state_config(state_port), probe_config(gateway_url, urlsplit(servers.blackbox_exporter).netloc)]
    _write(folder / "prometheus.yaml", _prometheus_config(folder, servers, scraped))
    _write(folder / "alertmanager.yaml", {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]})
    _write(folder / "blackbox.yaml", MODULES)
    _write(folder / "rules.yaml", {"groups": faster_groups(rendered)})
    prometheus = [f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"]
    alertmanager = [f"--config.file={folder}/alertmanager.yaml", f"--storage.path={folder}/alertmanager"]
    alertmanager.append("--cluster.listen-address=")
    exporter = [f"--config.file={folder}/blackbox.yaml"]

    def process(program: str, url: str, *options: str, ready: str = "-/ready") -> AbstractContextManager[None]:
        own = repository / ".tools/bin" / program
        command = [own if own.exists() else program, f"--web.listen-address={urlsplit(url).netloc}", *options]
        return running(command, folder / f"{program}.log", lambda: _is_ready(f"{url}/{ready}"))

    with (
        discovery(cluster, folder / TARGETS),
        kube_state(cluster, state_port),
        process(BLACKBOX_EXPORTER, servers.blackbox_exporter, *exporter, ready="-/healthy"),
        process("prometheus", servers.prometheus, *prometheus),
        process("alertmanager", servers.alertmanager, *alertmanager),
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


def _rendered(repository: Path) -> Manifests:
    switches = [f"--set=global.monitoring.{kind}.enabled=true" for kind in ("podMonitors", "rules")]
    switches.append("--set=mysql.backup.enabled=true")  # for its alert
    result = helm.template("efishery", "--values", str(repository / "hack/values-dev.yaml"), *switches)
    assert result.returncode == 0, result.stderr
    return parse(result.stdout)


def _prometheus_config(folder: Path, servers: Monitoring, scraped: list[Config]) -> Config:
    return {
        "global": {"evaluation_interval": "1s"},
        "rule_files": [f"{folder}/rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [urlsplit(servers.alertmanager).netloc]}]}]},
        "scrape_configs": scraped,
    }


def _faster(duration: str) -> str:
    number, unit = int(duration[:-1]), {"s": 1, "m": 60, "h": 3600}[duration[-1]]
    return f"{max(1, number * unit // SPEED)}s"


def _write(path: Path, content: Config) -> None:
    path.write_text(yaml.safe_dump(content))


def _is_ready(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.ConnectionError:
        return False
