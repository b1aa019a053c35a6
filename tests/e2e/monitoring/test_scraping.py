"""A real Prometheus scrapes the deployed system, and each panel of the dashboards has data."""

import json

import pytest

from tests.charts import helm
from tests.e2e.cluster import NAMESPACE, Cluster
from tests.e2e.monitoring.prometheus import PROCESSES, Monitoring

SCRAPED = "app.kubernetes.io/name in (auth, docs, fetch, mysql, sample)"
# Their series begin with the first failure, or with the first action or call since the pod's start.
# test_visualization.py demands data of them too, after the alerts.
MAY_BE_EMPTY = {
    "auth_database_errors_total",
    "fetch_corrupt_records_total",
    "fetch_redis_failures_total",
    "fetch_upstream_answers_total",
    "http_client_request_duration_seconds",
    "mysql_agent_actions_total",
    "mysql_agent_waiting",
}
PANELS = [
    pytest.param(target["expr"], id=f"{path.stem}: {panel['title']} {target['refId']}")
    for path in sorted(helm.REPOSITORY.glob("charts/*/files/dashboards/*.json"))
    for panel in json.loads(path.read_text())["panels"]
    for target in panel["targets"]
]


def test_each_pod_with_metrics_is_scraped_once(cluster: Cluster, monitored: Monitoring) -> None:
    pods = cluster.core.list_namespaced_pod(NAMESPACE, label_selector=SCRAPED, field_selector="status.phase=Running")
    targets = [target for target in monitored.targets() if "pod" in target["labels"]]
    names = sorted(pod.metadata.name for pod in pods.items)
    assert sorted(target["labels"]["pod"] for target in targets) == names
    assert sorted(series["metric"]["pod"] for series in monitored.query(PROCESSES)) == names, [
        target["lastError"] for target in targets
    ]


def test_no_alert_fires_while_nothing_is_wrong(monitored: Monitoring) -> None:
    # Within the first minute: by the faster rules, RateCronSilent fires between two runs.
    # The volumes of a one-node cluster are the machine's disk, which others may have filled.
    firing = monitored.query('ALERTS{alertstate="firing", severity!="info", alertname!="MysqlDiskFills"}')
    assert not [series["metric"]["alertname"] for series in firing]


@pytest.mark.parametrize("expression", PANELS)
def test_a_panel_has_data(monitored: Monitoring, expression: str) -> None:
    found = monitored.query(expression.replace("$namespace", NAMESPACE).replace("$__rate_interval", "30s"))
    assert found or any(metric in expression for metric in MAY_BE_EMPTY)
