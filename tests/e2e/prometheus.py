"""A Prometheus and an Alertmanager, as processes beside the tests, with the chart's PodMonitors and rules."""

import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml

from tests.charts import helm
from tests.charts.manifests import Manifests, parse
from tests.e2e.cluster import Cluster, run, wait_for
from tests.e2e.pod_monitors import Config, discovery, scrape_config

SPEED = 20  # rules get a twentieth of their `for`, ranges and offsets: 5 min are 15 s. Their thresholds stay
TARGETS = "targets.json"

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
        discovery(cluster, folder / TARGETS),
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


def _rendered(repository: Path) -> Manifests:
    switches = [f"--set=global.monitoring.{kind}.enabled=true" for kind in ("podMonitors", "rules")]
    result = helm.template("efishery", "--values", str(repository / "hack/values-dev.yaml"), *switches)
    assert result.returncode == 0, result.stderr
    return parse(result.stdout)


def _prometheus_config(rendered: Manifests, folder: Path, servers: Monitoring) -> Config:
    scraped = [scrape_config(monitor, folder / TARGETS) for monitor in rendered.of("PodMonitor")]
    return {
        "global": {"evaluation_interval": "1s"},
        "rule_files": [f"{folder}/rules.yaml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [urlsplit(servers.alertmanager).netloc]}]}]},
        "scrape_configs": scraped,
    }


def _faster(duration: str) -> str:
    number, unit = int(duration[:-1]), {"s": 1, "m": 60, "h": 3600}[duration[-1]]
    return f"{max(1, number * unit // SPEED)}s"


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
