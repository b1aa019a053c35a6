"""What makes the alerts on services, fetch, Redis and rate-cron fire."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.e2e.cluster import NAMESPACE, Cluster, run
from tests.e2e.conftest import Gateway, Headers
from tests.e2e.monitoring.outcomes import Alert, Cause, Observer

KUBECTL = ("kubectl", "-n", NAMESPACE)
RATE_KEY = "rate:IDR:USD"
FAR_RATE = "0.0001"  # within the bounds, and over 10 % from any rate of the sample
WEEK = "604800"
# A list that is requested every 5 s, not served after 15 s, and of whose prices the limit refuses about a third.
SHORT_LIVED_LIST = (
    "FETCH_LIST_TTL_SECONDS=5",
    "FETCH_LIST_STALE_AFTER_SECONDS=10",
    "FETCH_LIST_STALE_IF_ERROR_SECONDS=15",
    "FETCH_MAX_PRICE_IDR=75000",
)


@dataclass(frozen=True)
class FetchCauses:
    """The faults of fetch's dependencies."""

    cluster: Cluster
    gateway: Gateway
    repository: Path
    user: Headers

    def run(self, observer: Observer) -> None:
        """Cause one after the other, those together that do not disturb each other."""
        # RateCronSilent fires between two runs: by the faster rules, a minute without one is too long.
        with self.cluster.job_of_cronjob("rate-cron"):
            pass
        observer.observe(
            Cause(
                "each pod of docs exits at its start",
                lambda: self._exits_at_start("docs"),
                (Alert("ServiceDown", (("app_kubernetes_io_name", "docs"),)),),
            ),
            Cause(
                "rate-cron suspended, the rate two hours old and far from the provider's, one run by hand",
                self._old_far_rate,
                tuple(map(Alert, ("RateNotRefreshed", "RateRefused", "CronJobSilent", "RateCronSilent"))),
            ),
        )
        with self.cluster.job_of_cronjob("rate-cron"):
            pass
        observer.observe(self._scaled_to_nothing("redis", Alert("RedisUnavailable")))
        of_fetch = (("app_kubernetes_io_name", "fetch"),)
        observer.observe(
            Cause("a malformed rate in Redis when fetch starts", self._malformed_rate, (Alert("RateMissing"),)),
            Cause("`FETCH_MAX_PRICE_IDR` below a third of the prices", self._short_list, (Alert("ListRowsRejected"),)),
            self._scaled_to_nothing("sample", Alert("ListNotRefreshed"), Alert("ServerErrors", of_fetch)),
            meanwhile=lambda: self.gateway.get("/fetch/resource", self.user),
        )

    def _scaled_to_nothing(self, deployment: str, *alerts: Alert) -> Cause:
        return Cause(f"{deployment} has no pod", lambda: scaled_to(self.cluster, deployment, 0), alerts)

    @contextmanager
    def _exits_at_start(self, deployment: str) -> Iterator[None]:
        """Replace all pods at once by such whose container ends; Istio's agent in them still answers Prometheus."""
        before = self.cluster.apps.read_namespaced_deployment(deployment, NAMESPACE).spec
        self._patch(deployment, {"rollingUpdate": {"maxUnavailable": "100%"}}, ["python", "-c", "raise SystemExit(1)"])
        try:
            yield
        finally:
            self._patch(deployment, before.strategy, before.template.spec.containers[0].command)
            run(self.repository, *KUBECTL, "rollout", "status", f"deploy/{deployment}", "--timeout=180s")

    def _patch(self, deployment: str, strategy: object, command: object) -> None:
        containers = [{"name": deployment, "command": command}]
        spec = {"strategy": strategy, "template": {"spec": {"containers": containers}}}
        self.cluster.apps.patch_namespaced_deployment(deployment, NAMESPACE, {"spec": spec})

    @contextmanager
    def _old_far_rate(self) -> Iterator[None]:
        record = self._redis("GET", RATE_KEY)
        hours_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
        changed = {**json.loads(record), "fetched_at": hours_ago, "rate": FAR_RATE}
        with self.cluster.suspended_cronjob("rate-cron"):
            self._redis("SET", RATE_KEY, json.dumps(changed), "EX", WEEK)
            try:
                with self.cluster.job_of_cronjob("rate-cron", condition="Failed"):
                    yield
            finally:
                self._redis("SET", RATE_KEY, record, "EX", WEEK)
                with self.cluster.job_of_cronjob("rate-cron"):
                    pass

    @contextmanager
    def _malformed_rate(self) -> Iterator[None]:
        with self.cluster.suspended_cronjob("rate-cron"):
            self._redis("SET", RATE_KEY, "{", "EX", WEEK)
            try:
                yield
            finally:
                with self.cluster.job_of_cronjob("rate-cron"):
                    pass

    @contextmanager
    def _short_list(self) -> Iterator[None]:
        run(self.repository, *KUBECTL, "set", "env", "deploy/fetch", "-c", "fetch", *SHORT_LIVED_LIST)
        try:
            run(self.repository, *KUBECTL, "rollout", "status", "deploy/fetch", "--timeout=180s")
            yield
        finally:
            run(self.repository, *KUBECTL, "rollout", "undo", "deploy/fetch")
            run(self.repository, *KUBECTL, "rollout", "status", "deploy/fetch", "--timeout=180s")

    def _redis(self, *command: str) -> str:
        return self.cluster.redis_cli(self.repository, *command)


@contextmanager
def scaled_to(cluster: Cluster, name: str, replicas: int) -> Iterator[None]:
    """Change the number of pods of a Deployment, and change it back."""
    before = cluster.apps.read_namespaced_deployment(name, NAMESPACE).spec.replicas
    cluster.scale(name, replicas)
    try:
        yield
    finally:
        cluster.scale(name, before)
