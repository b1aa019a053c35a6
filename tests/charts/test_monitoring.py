"""PodMonitors, rules and dashboards: off by default, each with a switch, and the labels that find them."""

import functools
import json
import re
from typing import Any

import pytest

from tests.charts import helm
from tests.charts.manifests import Manifest, Manifests, parse
from tests.charts.scenarios import Scenario

LIST = "fetch.listUrl=https://list.example.org"
KINDS = {"podMonitors": "PodMonitor", "rules": "PrometheusRule", "dashboards": "ConfigMap"}
ON = [f"global.monitoring.{kind}.enabled=true" for kind in KINDS]


@functools.cache
def render(*values: str, chart: str = "efishery") -> Manifests:
    given = [LIST, *values] if chart == "efishery" else values
    result = helm.template(chart, *(argument for value in given for argument in ("--set", value)))
    assert result.returncode == 0, result.stderr
    return parse(result.stdout)


def monitoring_objects(manifests: Manifests) -> set[str]:
    return {m.id for m in manifests.objects if m.kind in ("PodMonitor", "PrometheusRule") or "dashboard-" in m.name}


@pytest.fixture(scope="module")
def monitored() -> Manifests:
    return render(*ON)


def test_nothing_is_made_by_default(default: Manifests) -> None:
    assert not monitoring_objects(default)
    assert not monitoring_objects(Scenario("mysql", "default").rendered())


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_own_switch_for_both_charts(kind: str) -> None:
    made = render(f"global.monitoring.{kind}.enabled=true").of(KINDS[kind])
    found = monitoring_objects(Manifests(tuple(made)))
    expected = {"dashboard-system", "dashboard-auth", "dashboard-fetch", "dashboard-mysql"}
    names = expected if kind == "dashboards" else {"efishery", "mysql"}
    assert found == {f"{KINDS[kind]}/{name}" for name in names}


def test_the_mysql_chart_alone_has_the_same_values() -> None:
    made = monitoring_objects(render(*ON, chart="mysql"))
    assert made == {"PodMonitor/mysql", "PrometheusRule/mysql", "ConfigMap/dashboard-mysql"}


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_added(kind: str) -> None:
    labelled = render(*ON, f"global.monitoring.{kind}.labels.release=prometheus")
    for identity in monitoring_objects(labelled):
        manifest = labelled.get(identity)
        assert (manifest.labels.get("release") == "prometheus") == (manifest.kind == KINDS[kind]), identity
        assert (manifest.labels.get("grafana_dashboard") == "1") == (manifest.kind == "ConfigMap"), identity


def test_a_pod_monitor_finds_each_pod_that_has_metrics(monitored: Manifests) -> None:
    with_metrics = {w.id for w in monitored.workloads if w.pod.annotations.get("prometheus.io/scrape") == "true"}
    assert with_metrics == {"Deployment/auth", "Deployment/fetch", "Deployment/docs", "StatefulSet/mysql"}
    found = [w.id for monitor in monitored.of("PodMonitor") for w in monitored.workloads if _selects(monitor, w.pod)]
    assert sorted(found) == sorted(with_metrics)


def test_a_pod_monitor_names_a_port_that_the_annotation_names_too(monitored: Manifests) -> None:
    for monitor in monitored.of("PodMonitor"):
        (endpoint,) = monitor.spec["podMetricsEndpoints"]
        for workload in [w for w in monitored.workloads if _selects(monitor, w.pod)]:
            assert str(workload.port(endpoint["port"])) == workload.pod.annotations["prometheus.io/port"], workload.id


@pytest.mark.parametrize(
    ("address", "annotation", "scraped"),
    [("10.0.0.7", "15020", "10.0.0.7:15020"), ("fd00::7", "9090", "[fd00::7]:9090")],
)
def test_the_address_is_that_of_the_annotation(
    monitored: Manifests, address: str, annotation: str, scraped: str
) -> None:
    # In a mesh, Istio changes the annotation to the port of its agent.
    for monitor in monitored.of("PodMonitor"):
        relabelings = monitor.spec["podMetricsEndpoints"][0]["relabelings"]
        to_address = [rule for rule in relabelings if rule["targetLabel"] == "__address__"]
        joined = f"{address};{annotation}"
        results = [
            matched.expand(re.sub(r"\$(\d)", r"\\\1", rule["replacement"]))
            for rule in to_address
            if (matched := re.fullmatch(rule["regex"], joined))
        ]
        assert results == [scraped]


def test_the_mysql_pods_have_the_annotations_that_the_pod_monitor_reads() -> None:
    without = render("mysql.metrics.enabled=false").workload("StatefulSet/mysql")
    assert "prometheus.io/port" not in without.pod.annotations
    monitored = render("mysql.metrics.enabled=false", *ON).workload("StatefulSet/mysql")
    assert monitored.pod.annotations["prometheus.io/port"] == "9091"


def test_dashboards_are_those_of_the_files(monitored: Manifests) -> None:
    for path in helm.REPOSITORY.glob("charts/*/files/dashboards/*.json"):
        (text,) = monitored.get(f"ConfigMap/dashboard-{path.stem}").body["data"].values()
        assert json.loads(text) == json.loads(path.read_text())


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("global.monitoring.rules.runbookUrl=wiki", "runbookUrl"),
        ("global.monitoring.rules.runbookUrl=https://wiki.example.org/a#b", "runbookUrl"),
        ("global.monitoring.podMonitor.enabled=true", "podMonitor"),
        ("global.monitoring.dashboards.enabled=yes", "enabled"),
        ("global.monitoring.rules.labels={a}", "labels"),
    ],
)
@pytest.mark.parametrize("chart", ["efishery", "mysql"])
def test_an_invalid_value_is_refused_by_name(chart: str, value: str, named: str) -> None:
    refused = helm.template(chart, "--set", value, *(["--set", LIST] if chart == "efishery" else []))
    assert refused.returncode != 0
    assert named in refused.stderr


def _selects(monitor: Manifest, pod: Manifest) -> bool:
    selector: dict[str, Any] = monitor.spec["selector"]
    by_labels = selector.get("matchLabels", {}).items() <= pod.labels.items()
    return by_labels and all(pod.labels.get(e["key"]) in e["values"] for e in selector.get("matchExpressions", []))
