"""One Prometheus and one Alertmanager for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import Cluster, wait_for
from tests.e2e.conftest import Gateway
from tests.e2e.monitoring.prometheus import PROCESSES, Monitoring, monitoring


def pytest_configure(config: pytest.Config) -> None:
    """Ignore the sockets that PyMySQL leaves open after a failed connection."""
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket.*family=1:ResourceWarning")


@pytest.fixture(scope="package")
def monitored(
    cluster: Cluster, gateway: Gateway, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Monitoring]:
    """Prometheus with some seconds of data, and requests to see in them."""
    with monitoring(cluster, repository, gateway.url, tmp_path_factory.mktemp("monitoring")) as servers:
        wait_for("each service to be scraped", lambda: len(_scraped(servers)) == 5, 60)
        first = cluster.secret("auth-first-admin")
        for _ in range(5):
            token = gateway.login(first["phone"], first["password"])
            assert gateway.get("/fetch/resource", token).status_code == 200
        wait_for("two samples of these requests", lambda: _sampled_twice(servers), 60)
        yield servers


def _scraped(servers: Monitoring) -> set[str]:
    return {series["metric"]["app_kubernetes_io_name"] for series in servers.query(PROCESSES)}


def _sampled_twice(servers: Monitoring) -> bool:
    """Tell whether Prometheus can compute a rate of the requests to each service."""
    rates = 'rate(http_server_request_duration_seconds_count{http_route=~"/auth/login|/fetch/resource"}[30s])'
    return len({series["metric"]["http_route"] for series in servers.query(rates)}) == 2
