"""A Job of the CronJob refreshes the rate that fetch serves, through the mesh and Redis."""

from datetime import datetime

from tests.e2e.cluster import Cluster, wait_for
from tests.e2e.conftest import Gateway, Headers


def fetched_at(gateway: Gateway, user: Headers) -> datetime:
    return datetime.fromisoformat(gateway.get("/fetch/rate", user).json()["data"]["fetched_at"])


def test_a_job_of_the_cronjob_completes_and_the_rate_changes(cluster: Cluster, gateway: Gateway, user: Headers) -> None:
    before = fetched_at(gateway, user)
    with cluster.job_of_cronjob("rate-cron"):
        wait_for("a newer rate", lambda: fetched_at(gateway, user) > before, seconds=10)
