"""The gateway's rate limit. Clients have addresses of their own, of the loopback network."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.load.flood import check_answers, check_rate_limit, flood, status
from tests.load.rate_limit import ISTIO, Bucket, copy_with_other_limits_of_all_requests, of_one_address, total
from tests.system.running import RunningSystem, free_port
from tests.system.test_launcher import wait_for

StartGateway = Callable[[Path], str]


@pytest.fixture
def start_gateway(system: RunningSystem, tmp_path: Path) -> Iterator[StartGateway]:
    """Starts gateways in front of the running services, with the manifests of a folder; answers the URL."""
    config = json.loads((system.folder / "state" / "envoy.json").read_text())
    services = []
    for cluster in config["static_resources"]["clusters"]:
        (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        address = endpoint["endpoint"]["address"]["socket_address"]
        services.append(f"{cluster['name']}={address['address']}:{address['port_value']}")
    started: list[subprocess.Popen[bytes]] = []

    def start(istio: Path) -> str:
        listen = f"127.0.0.1:{free_port()}"
        options = ["--istio", str(istio), "--listen", listen, "--config", str(tmp_path / "envoy.json")]
        started.append(subprocess.Popen([sys.executable, "-m", "efishery_gateway", *options, *services]))
        url = f"http://{listen}"
        wait_for(lambda: _answers(url))
        return url

    yield start
    for process in started:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return flood(url, 0) == []
    except OSError:
        return False


def passed(url: str, count: int, address: str) -> int:
    """Return how many of `count` requests from `address` are not refused by the rate limit."""
    return sum(answer.status != 429 for answer in flood(url, count, address))


def test_all_clients_together_are_limited(system: RunningSystem) -> None:
    check_rate_limit(system.url)


def test_an_address_is_limited_whatever_it_says_it_forwards_for(start_gateway: StartGateway) -> None:
    url, limit = start_gateway(ISTIO), of_one_address()
    started = time.monotonic()
    answers = flood(url, 4 * limit.burst, "127.0.0.2")
    check_answers(answers, limit, time.monotonic() - started)
    assert passed(url, limit.burst, "127.0.0.3") == limit.burst, "another address has all of its own"


def test_what_one_address_is_refused_takes_nothing_from_the_others(start_gateway: StartGateway) -> None:
    url, limit = start_gateway(ISTIO), of_one_address()
    assert passed(url, 2 * total().burst, "127.0.0.2") < total().burst / 2
    others = [f"127.0.0.{number}" for number in range(3, 3 + total().burst // limit.burst - 1)]
    assert [passed(url, limit.burst, address) for address in others] == [limit.burst] * len(others)


def test_requests_of_any_kind_are_limited_for_each_address_and_for_all(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    one_address, together = Bucket(rate=1, burst=20), Bucket(rate=1, burst=50)
    url = start_gateway(copy_with_other_limits_of_all_requests(tmp_path, one_address=one_address, together=together))

    def answered(address: str) -> int:
        statuses = Counter(status(url, "GET", "/ping", address) for _ in range(2 * one_address.burst))
        assert statuses.keys() == {200, 429}
        return statuses[200]

    began = time.monotonic()
    first, second, last = (answered(f"127.0.0.{number}") for number in (2, 3, 4))
    refilled = int(time.monotonic() - began) + 1
    assert one_address.burst <= first <= one_address.burst + refilled
    assert one_address.burst <= second <= one_address.burst + refilled
    assert 0 < last <= together.burst - first - second + refilled, "what the others have left"
