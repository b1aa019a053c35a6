"""Jobs of the CronJob refresh the rate that fetch serves, through the mesh and Redis."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from tests.documented import shell_block
from tests.e2e.cluster import NAMESPACE, Cluster, run, wait_for
from tests.e2e.conftest import Gateway, Headers

KEY = "rate:IDR:USD"
FAR_RATE = "0.0001"  # within the bounds, and over 10 % from any rate of the sample
RUNS = 8

RedisCLI = Callable[..., str]


def fetched_at(gateway: Gateway, user: Headers) -> datetime:
    return datetime.fromisoformat(gateway.get("/fetch/rate", user).json()["data"]["fetched_at"])


@pytest.fixture
def redis_cli(cluster: Cluster, repository: Path) -> RedisCLI:
    """Run redis-cli as admin in the pod of Redis; return its output."""
    return partial(cluster.redis_cli, repository)


@pytest.fixture
def suspended(cluster: Cluster) -> Iterator[None]:
    """Suspend the schedule, and wait for the end of a run that has begun."""
    with cluster.suspended_cronjob("rate-cron"):
        yield


@pytest.fixture
def far_rate(redis_cli: RedisCLI, suspended: None) -> Iterator[None]:
    """Store a rate that the sample's is far away from; at the end, make sure that it does not stay."""
    record = json.loads(redis_cli("GET", KEY))
    redis_cli("SET", KEY, json.dumps({**record, "rate": FAR_RATE}), "EX", "604800")
    yield
    if json.loads(redis_cli("GET", KEY))["rate"] == FAR_RATE:
        redis_cli("DEL", KEY)


def test_a_job_of_the_cronjob_completes_and_the_rate_changes(cluster: Cluster, gateway: Gateway, user: Headers) -> None:
    before = fetched_at(gateway, user)
    with cluster.job_of_cronjob("rate-cron"):
        wait_for("a newer rate", lambda: fetched_at(gateway, user) > before, seconds=10)


@pytest.mark.timeout(300)
def test_every_job_completes_with_its_first_pod(cluster: Cluster) -> None:
    def failed_pods(_: int) -> int:
        with cluster.job_of_cronjob("rate-cron") as job:
            return cluster.failed_pods(job)

    with ThreadPoolExecutor(RUNS) as pool:
        assert list(pool.map(failed_pods, range(RUNS))) == [0] * RUNS


@pytest.mark.timeout(400)
def test_the_history_has_the_day_of_the_rate(redis_cli: RedisCLI, suspended: None) -> None:
    record = json.loads(redis_cli("GET", KEY))
    assert json.loads(redis_cli("HGET", f"{KEY}:history", record["as_of"][:10])) == record
    assert 0 < int(redis_cli("TTL", KEY)) <= 7 * 86400


@pytest.mark.timeout(400)
def test_a_restart_of_redis_keeps_the_rate(
    cluster: Cluster, repository: Path, redis_cli: RedisCLI, suspended: None
) -> None:
    def stored() -> list[list[str]]:
        commands = ("GET", KEY), ("HGETALL", f"{KEY}:history"), ("HGETALL", f"{KEY}:runs")
        return [sorted(redis_cli(*command).splitlines()) for command in commands]  # a hash has no order

    with cluster.job_of_cronjob("rate-cron"):  # it writes in a transaction, which a restart must not drop
        before = stored()
    run(repository, "kubectl", "-n", NAMESPACE, "rollout", "restart", "deployment/redis")
    run(repository, "kubectl", "-n", NAMESPACE, "rollout", "status", "deployment/redis", "--timeout=180s", seconds=200)
    assert stored() == before


@pytest.mark.timeout(600)
def test_a_refused_change_fails_at_once_and_the_documented_command_accepts_it(
    cluster: Cluster, repository: Path, redis_cli: RedisCLI, far_rate: None
) -> None:
    with cluster.job_of_cronjob("rate-cron", condition="Failed") as job:
        assert cluster.failed_pods(job) == 1
    assert json.loads(redis_cli("GET", KEY))["rate"] == FAR_RATE
    assert int(redis_cli("HGET", f"{KEY}:runs", "refused")) > 0

    command = shell_block(repository / "docs/operations.md", "--accept-change")
    output = run(repository, "bash", "-eo", "pipefail", "-c", command.replace("kubectl ", f"kubectl -n {NAMESPACE} "))
    (accepting,) = re.findall(r"job\.batch/(\S+) created", output)
    try:
        cluster.wait_for_job(accepting)
    finally:
        cluster.delete_job(accepting)
    assert Decimal(json.loads(redis_cli("GET", KEY))["rate"]) < Decimal("0.00007")
