"""Runbook, alerts and dashboards ask for metrics and labels that the services export."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from tests.charts import helm

EXPORTING = [
    "servicekit.breaker",
    "servicekit.metrics",
    "servicekit.revocations",
    "efishery_auth.app",
    "efishery_fetch.metrics",
    "efishery_mysql_agent.metrics",
]
# Prometheus and its operator add these to every series; `le` is of histograms.
ADDED = {"namespace", "pod", "job", "app_kubernetes_io_name", "le"}
# Of Prometheus itself, kube-state-metrics (docs/cronjob-metrics.md in its repository) and blackbox exporter, with their
# labels.
OTHERS = {
    "up": set[str](),
    "kube_cronjob_next_schedule_time": {"cronjob"},
    "kube_cronjob_spec_suspend": {"cronjob"},
    "kube_cronjob_status_last_schedule_time": {"cronjob"},
    "kube_cronjob_status_last_successful_time": {"cronjob"},
    "probe_ssl_earliest_cert_expiry": {"instance"},
}
# A metric has an underscore, or is `up`; functions are followed by a parenthesis, labels are in braces or lists.
METRIC = re.compile(r"(?<![\w:$])(up\b|[a-z]+_\w+)(?!\w|\s*\()(?:\{([^}]*)\})?")
GROUPING = re.compile(r"\b(by|without|on|ignoring)\s*\(([^)]*)\)")


@pytest.fixture(scope="module")
def exported() -> dict[str, set[str]]:
    """Return the labels of each series name that a service can export."""
    for module in EXPORTING:
        importlib.import_module(module)
    known = dict(OTHERS)
    for name, collector in REGISTRY._names_to_collectors.items():
        known[name] = set(collector._labelnames) if isinstance(collector, MetricWrapperBase) else set()
    return known


def runbook_expressions() -> dict[str, str]:
    rows = re.findall(r"^\| ([^|]+) \| `([^`]+\([^`]+)` \|$", _text("docs/operations.md"), flags=re.MULTILINE)
    return {f"runbook: {question}": expression for question, expression in rows}


def alert_expressions() -> dict[str, str]:
    groups = [
        group
        for path in helm.REPOSITORY.glob("charts/*/files/rules/*.yaml")
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    return {f"alert: {rule['alert']}": rule["expr"] for group in groups for rule in group["rules"]}


def dashboard_expressions() -> dict[str, str]:
    return {
        f"dashboard: {path.stem}, {panel['title']} {target['refId']}": target["expr"]
        for path in sorted(helm.REPOSITORY.glob("charts/*/files/dashboards/*.json"))
        for panel in _dashboard(path)["panels"]
        for target in panel["targets"]
    }


def _text(path: str) -> str:
    return (helm.REPOSITORY / path).read_text()


def _dashboard(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(path.read_text())
    return parsed


EXPRESSIONS = {**runbook_expressions(), **alert_expressions(), **dashboard_expressions()}


def test_all_expressions_are_found() -> None:
    assert len(runbook_expressions()) == 4
    assert len(alert_expressions()) >= 27
    assert len(dashboard_expressions()) >= 40


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_an_expression_asks_for_metrics_and_labels_that_exist(where: str, exported: dict[str, set[str]]) -> None:
    expression = re.sub(r"#.*", "", EXPRESSIONS[where])
    grouped = {label.strip() for _, labels in GROUPING.findall(expression) for label in labels.split(",")} - {""}
    asked = METRIC.findall(re.sub(r'"[^"]*"', '""', GROUPING.sub("", expression)))
    assert asked
    for name, selector in asked:
        assert name in exported, f"no service exports {name}"
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)) <= exported[name] | ADDED, selector
    everywhere = set[str]().union(*(exported[name] for name, _ in asked))
    assert grouped <= everywhere | ADDED


@pytest.mark.parametrize("path", sorted(helm.REPOSITORY.glob("charts/*/files/dashboards/*.json")), ids=lambda p: p.stem)
def test_a_dashboard_needs_only_a_prometheus(path: Path) -> None:
    dashboard = _dashboard(path)
    variables = {variable["name"]: variable["type"] for variable in dashboard["templating"]["list"]}
    assert variables == {"datasource": "datasource", "namespace": "query"}
    assert dashboard["uid"] == f"efishery-{path.stem}"
    for panel in dashboard["panels"]:
        assert panel["type"] in ("timeseries", "stat"), "a panel of Grafana itself, without a plug-in"
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all('namespace="$namespace"' in target["expr"] for target in panel["targets"]), panel["title"]


@pytest.mark.parametrize("path", sorted(helm.REPOSITORY.glob("charts/*/files/dashboards/*.json")), ids=lambda p: p.stem)
def test_panels_do_not_overlap(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in _dashboard(path)["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
