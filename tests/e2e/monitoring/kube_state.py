"""The metrics of CronJobs that kube-state-metrics has, from the API server: its program is not built by the project.

Names and labels: https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/workload/cronjob-metrics.md.
`kube_cronjob_next_schedule_time` is left out: it is computed from the schedule, not read.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tests.e2e.cluster import NAMESPACE, Cluster
from tests.e2e.monitoring.pod_monitors import Config

LABELS = ("namespace", "cronjob")
# Name without the prefix, and how it is read from the object; None where the object has no value.
READERS: dict[str, Callable[[Any], float | None]] = {
    "spec_suspend": lambda each: float(bool(each.spec.suspend)),
    "status_last_schedule_time": lambda each: _timestamp(each.status.last_schedule_time),
    "status_last_successful_time": lambda each: _timestamp(each.status.last_successful_time),
}


class CronJobCollector(Collector):
    """Reads the CronJobs at each scrape."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the families."""
        cronjobs = self._cluster.batch.list_namespaced_cron_job(NAMESPACE, _request_timeout=5).items
        for name, read in READERS.items():
            family = GaugeMetricFamily(f"kube_cronjob_{name}", "As kube-state-metrics has it.", labels=LABELS)
            for each in cronjobs:
                if (value := read(each)) is not None:
                    family.add_metric((each.metadata.namespace, each.metadata.name), value)
            yield family


def kube_state_config(port: int) -> Config:
    """Return the scrape configuration. The series have the namespace of what they are about."""
    targets = [{"targets": [f"127.0.0.1:{port}"]}]
    return {"job_name": "kube-state", "scrape_interval": "2s", "static_configs": targets, "honor_labels": True}


@contextmanager
def kube_state(cluster: Cluster, port: int) -> Iterator[None]:
    """Serve the metrics on a local port."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(CronJobCollector(cluster))
    server, thread = start_http_server(port, "127.0.0.1", registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _timestamp(moment: Any) -> float | None:
    return moment.timestamp() if moment else None
