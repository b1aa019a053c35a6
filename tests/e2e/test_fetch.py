"""fetch on the cluster: Redis or the upstream goes away under load, and pods start without a cached list."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import NAMESPACE, Cluster, run, wait_for
from tests.e2e.conftest import Gateway, Headers
from tests.e2e.proxies import gateway_endpoints
from tests.load.comparison import normal_load

PATH = "/fetch/resource"
REQUESTS_PER_SECOND = 100


@contextmanager
def load(gateway: Gateway, headers: Headers, seconds: float) -> Iterator[list[str]]:
    """Request the list at a steady rate for `seconds`; the list of failures is filled when the block has ended."""
    request = {"method": "GET", "path": PATH, "headers": headers}
    failures: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(normal_load, gateway.url, [request], seconds, REQUESTS_PER_SECOND)
        yield failures
        failures += running.result()["failures"]


def pods_of(cluster: Cluster, name: str) -> list[Any]:
    """Return the pods of a component, those that are ending included."""
    pods: list[Any] = cluster.core.list_namespaced_pod(NAMESPACE, label_selector=f"app.kubernetes.io/name={name}").items
    return pods


@pytest.mark.timeout(240)
def test_redis_is_deleted_under_load(cluster: Cluster, gateway: Gateway, user: Headers) -> None:
    with load(gateway, user, 25) as failures:
        (pod,) = pods_of(cluster, "redis")
        cluster.core.delete_namespaced_pod(pod.metadata.name, NAMESPACE, grace_period_seconds=0)
    assert failures == []
    wait_for("Redis", lambda: cluster.apps.read_namespaced_deployment("redis", NAMESPACE).status.ready_replicas)


@pytest.fixture
def without_cached_list(cluster: Cluster, repository: Path) -> Iterator[None]:
    """No pod of fetch runs, and Redis has no list."""
    replicas = cluster.apps.read_namespaced_deployment("fetch", NAMESPACE).spec.replicas
    cluster.scale("fetch", 0)
    # Until a pod has ended it stores its list in Redis whenever that is missing there.
    wait_for("the end of fetch's pods", lambda: not pods_of(cluster, "fetch"), 60)
    if keys := cluster.redis_cli(repository, "KEYS", "fetch:*").split():
        cluster.redis_cli(repository, "DEL", *keys)
    yield
    cluster.scale("fetch", replicas)


def upstream_calls(cluster: Cluster) -> int:
    """Count the requests for the list in the log of the sample upstream."""
    (pod,) = pods_of(cluster, "sample")
    log: str = cluster.core.read_namespaced_pod_log(pod.metadata.name, NAMESPACE, container="sample")
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return sum(line.get("route") == "/commodities" for line in lines)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("without_cached_list")
def test_three_new_pods_make_one_call_of_the_upstream(
    cluster: Cluster, repository: Path, gateway: Gateway, user: Headers
) -> None:
    before = upstream_calls(cluster)
    cluster.scale("fetch", 3)
    wait_for("the gateway to know the pods", lambda: gateway_endpoints(repository, "fetch") == 3)
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: gateway.get(PATH, user), range(1000)))
    assert [answer.text for answer in answers if answer.status_code != 200] == []
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    assert upstream_calls(cluster) == before + 1


@pytest.fixture
def short_times(cluster: Cluster, repository: Path) -> Iterator[None]:
    """Fetch with a list that is requested every 5 s and stale after 10 s."""
    kubectl = ["kubectl", "-n", NAMESPACE]
    short = ["FETCH_LIST_TTL_SECONDS=5", "FETCH_LIST_STALE_AFTER_SECONDS=10"]
    run(repository, *kubectl, "set", "env", "deploy/fetch", "-c", "fetch", *short)
    run(repository, *kubectl, "rollout", "status", "deploy/fetch", "--timeout=180s")
    yield
    cluster.scale("sample", 1)
    run(repository, *kubectl, "rollout", "undo", "deploy/fetch")
    run(repository, *kubectl, "rollout", "status", "deploy/fetch", "--timeout=180s")


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("short_times")
def test_the_list_is_served_while_its_upstream_is_away(cluster: Cluster, gateway: Gateway, user: Headers) -> None:
    def is_stale() -> bool:
        meta: dict[str, Any] = gateway.get(PATH, user).json()["meta"]
        stale: bool = meta["stale"]
        return stale

    wait_for("a list that is not stale", lambda: not is_stale(), 60)
    with load(gateway, user, 25) as failures:
        cluster.scale("sample", 0)
        wait_for("the list to be stale", is_stale, 60)
    assert failures == []
    cluster.scale("sample", 1)
    wait_for("a list that is not stale", lambda: not is_stale(), 60)
