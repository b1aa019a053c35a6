"""Asking the other agents: a round waits a limited time, whatever a name lookup or an answer takes."""

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from efishery_mysql_agent import peers as module
from efishery_mysql_agent import wire
from efishery_mysql_agent.peers import Peers
from tests.unit.mysql_agent.conftest import online

URLS = {pod: f"http://{pod}.mysql/status" for pod in ("mysql-1", "mysql-2")}


class Network:
    """Answers for each peer; a lookup of mysql-2's name does not end before `resolves` is set."""

    def __init__(self) -> None:
        self.resolves, self.asked = threading.Event(), list[str]()
        self.age = 0.0

    def get(self, url: str, **_: object) -> Any:
        pod = url.removeprefix("http://").partition(".")[0]
        self.asked.append(pod)
        if pod == "mysql-2" and not self.resolves.wait(timeout=30):
            raise requests.ConnectionError("no such host")
        body = {**wire.dump(online(pod)), "age_seconds": self.age}
        return SimpleNamespace(json=lambda: body)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    network = Network()
    monkeypatch.setattr(requests, "get", network.get)
    monkeypatch.setattr(module, "ASK_SECONDS", 1)
    yield network
    network.resolves.set()


def answering(peers: Peers) -> list[str]:
    return [status.pod for status in peers.ask()]


def test_a_lookup_that_hangs_delays_one_round_and_only_for_a_limited_time(network: Network) -> None:
    peers = Peers(URLS)
    began = time.monotonic()
    assert answering(peers) == ["mysql-1"]
    first = time.monotonic() - began
    assert 1 <= first < 10
    assert [answering(peers) for _ in range(3)] == [["mysql-1"]] * 3
    assert time.monotonic() - began - first < 3, "it is not waited for again"
    assert network.asked.count("mysql-2") == 1


def test_an_answer_that_comes_late_counts_in_a_later_round(network: Network) -> None:
    peers = Peers(URLS)
    answering(peers)
    network.resolves.set()
    deadline = time.monotonic() + 10
    while "mysql-2" not in answering(peers):
        assert time.monotonic() < deadline


def test_an_old_answer_does_not_count(network: Network) -> None:
    network.resolves.set()
    network.age = 6
    assert answering(Peers(URLS)) == []


def test_the_answer_of_another_pod_does_not_count(network: Network) -> None:
    network.resolves.set()
    assert answering(Peers({"mysql-1": URLS["mysql-2"]})) == []
