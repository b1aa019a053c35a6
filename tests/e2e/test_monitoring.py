"""A real Prometheus scrapes the deployed system: dashboards have data, and alerts fire by their reason and resolve."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.charts import helm
from tests.e2e.cluster import NAMESPACE, Cluster, run, wait_for
from tests.e2e.conftest import Gateway, Headers
from tests.e2e.prometheus import Monitoring, monitoring

RATE_KEY = "rate:IDR:USD"
SCRAPED = "app.kubernetes.io/name in (auth, docs, fetch, mysql, sample)"
# Their series begin with the first failure, or with the first action or call since the pod's start.
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


@pytest.fixture(scope="module")
def monitored(
    cluster: Cluster, gateway: Gateway, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Monitoring]:
    """Prometheus with some seconds of data, and requests to see in them."""
    with monitoring(cluster, repository, tmp_path_factory.mktemp("monitoring")) as servers:
        wait_for("each service to be scraped", lambda: len(_up(servers)) == 5, 60)
        first = cluster.secret("auth-first-admin")
        for _ in range(5):
            token = gateway.login(first["phone"], first["password"])
            assert gateway.get("/fetch/resource", token).status_code == 200
        rate = 'rate(http_server_request_duration_seconds_count{http_route="/fetch/resource"}[30s])'
        wait_for("two samples of these requests", lambda: servers.query(rate), 60)
        yield servers


def _up(servers: Monitoring) -> set[str]:
    return {series["metric"]["app_kubernetes_io_name"] for series in servers.query("up == 1")}


def test_each_pod_with_metrics_is_scraped_once(cluster: Cluster, monitored: Monitoring) -> None:
    pods = cluster.core.list_namespaced_pod(NAMESPACE, label_selector=SCRAPED, field_selector="status.phase=Running")
    targets = monitored.targets()
    assert sorted(target["labels"]["pod"] for target in targets) == sorted(pod.metadata.name for pod in pods.items)
    assert {target["health"] for target in targets} == {"up"}, [target["lastError"] for target in targets]


def test_no_alert_fires_while_nothing_is_wrong(monitored: Monitoring) -> None:
    firing = monitored.query('ALERTS{alertstate="firing", severity!="info"}')
    assert not [series["metric"]["alertname"] for series in firing]


@pytest.mark.parametrize("expression", PANELS)
def test_a_panel_has_data(monitored: Monitoring, expression: str) -> None:
    found = monitored.query(expression.replace("$namespace", NAMESPACE).replace("$__rate_interval", "30s"))
    assert found or any(metric in expression for metric in MAY_BE_EMPTY)


@contextmanager
def scaled_to_nothing(cluster: Cluster, name: str) -> Iterator[None]:
    """Stop all pods of a Deployment, and start them again."""
    replicas = cluster.apps.read_namespaced_deployment(name, NAMESPACE).spec.replicas
    cluster.scale(name, 0)
    try:
        yield
    finally:
        cluster.scale(name, replicas)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("deployment", "alert", "labels"),
    [("docs", "ServiceDown", {"app_kubernetes_io_name": "docs"}), ("redis", "RedisUnavailable", {})],
)
def test_the_pods_of_a_service_are_gone(
    cluster: Cluster, monitored: Monitoring, deployment: str, alert: str, labels: dict[str, str]
) -> None:
    with scaled_to_nothing(cluster, deployment):
        fired = monitored.wait_until_fires(alert, labels)
    assert fired["labels"]["severity"] == "critical"
    assert fired["annotations"]["runbook_url"].endswith(f"#{alert.lower()}")
    monitored.wait_until_resolved(alert, labels)


@pytest.mark.timeout(900)
def test_the_rate_is_old(cluster: Cluster, monitored: Monitoring, repository: Path) -> None:
    with cluster.job_of_cronjob("rate-cron"):  # after a test that restarted Redis
        monitored.wait_until_resolved("RateNotRefreshed")
    with cluster.suspended_cronjob("rate-cron"):
        record = cluster.redis_cli(repository, "GET", RATE_KEY)
        hours_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
        old = json.dumps({**json.loads(record), "fetched_at": hours_ago})
        cluster.redis_cli(repository, "SET", RATE_KEY, old, "EX", "604800")
        try:
            fired = monitored.wait_until_fires("RateNotRefreshed")
            assert fired["annotations"]["description"].startswith("The rate is 2h ")
            monitored.wait_until_fires("RateCronSilent", seconds=240)
        finally:
            cluster.redis_cli(repository, "SET", RATE_KEY, record, "EX", "604800")
    monitored.wait_until_resolved("RateNotRefreshed")
    with cluster.job_of_cronjob("rate-cron"):
        monitored.wait_until_resolved("RateCronSilent")


@pytest.mark.timeout(600)
def test_passwords_are_guessed(gateway: Gateway, monitored: Monitoring, new_phone: Callable[[], str]) -> None:
    # By wrong passwords of sessions, which are locked one by one: those of logins would lock the tests' own address.
    registered = gateway.post("/auth/register", {"name": "Siti", "phone": new_phone()}).json()["data"]
    sessions = [gateway.login(registered["phone"], registered["password"]) for _ in range(24)]
    form = {"current_password": "wrong", "new_password": "a long and new password"}

    def lock(session: Headers) -> list[int]:
        return [gateway.request("PUT", "/auth/password", json=form, headers=session).status_code for _ in range(6)]

    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(lock, sessions))
    assert all(each[-1] == 429 for each in statuses), statuses
    fired = monitored.wait_until_fires("AuthLockouts")
    assert fired["labels"]["severity"] == "warning"
    monitored.wait_until_resolved("AuthLockouts")


@pytest.fixture
def short_lived_list(cluster: Cluster, repository: Path) -> Iterator[None]:
    """Fetch with a list that is requested every 5 s and not served after 15 s; its upstream is back at the end."""
    kubectl = ["kubectl", "-n", NAMESPACE]
    short = ["FETCH_LIST_TTL_SECONDS=5", "FETCH_LIST_STALE_AFTER_SECONDS=10", "FETCH_LIST_STALE_IF_ERROR_SECONDS=15"]
    run(repository, *kubectl, "set", "env", "deploy/fetch", "-c", "fetch", *short)
    run(repository, *kubectl, "rollout", "status", "deploy/fetch", "--timeout=180s")
    try:
        yield
    finally:
        run(repository, *kubectl, "rollout", "undo", "deploy/fetch")
        run(repository, *kubectl, "rollout", "status", "deploy/fetch", "--timeout=180s")


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("short_lived_list")
def test_the_upstream_is_gone_for_longer_than_its_list_is_served(
    cluster: Cluster, gateway: Gateway, monitored: Monitoring, user: Headers
) -> None:
    def fired_while_requested() -> list[Any]:
        gateway.get("/fetch/resource", user)
        return monitored.firing("ServerErrors", {"app_kubernetes_io_name": "fetch"})

    with scaled_to_nothing(cluster, "sample"):
        wait_for("ServerErrors to fire", fired_while_requested, 180)
        monitored.wait_until_fires("ListNotRefreshed")
    monitored.wait_until_resolved("ListNotRefreshed")
    monitored.wait_until_resolved("ServerErrors")
