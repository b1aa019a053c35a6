"""The two kinds of Redis: the stand-in everywhere, redis-server where it is installed."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from efishery_run import ports
from efishery_run.errors import LaunchError
from efishery_run.services import RedisKind, Services
from efishery_run.state import State
from efishery_run.supervisor import Supervisor

KINDS: list[RedisKind] = ["stand-in", *(["server"] if shutil.which("redis-server") else [])]  # type: ignore[list-item]  # mypy widens the inner list to str


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[redis.Redis]:
    services = Services(ports.choose(0), State(tmp_path))
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(services.redis(request.param))
        supervisor.wait_until_ready(20)
        with redis.Redis(host=ports.HOST, port=services.ports.redis) as client:
            yield client


def test_it_keeps_bytes_of_any_kind(client: redis.Redis) -> None:
    blob = os.urandom(300_000) + b"\r\n$3\r\n"
    client.set("fetch:list", blob)
    assert client.get("fetch:list") == blob
    assert client.get("rate:IDR:USD") is None


def test_it_does_what_a_lock_needs(client: redis.Redis) -> None:
    assert client.set("fetch:lock", "me", nx=True, px=60_000)
    assert client.set("fetch:lock", "you", nx=True, px=60_000) is None
    assert 0 < int(client.pttl("fetch:lock")) <= 60_000


def test_a_server_can_be_demanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LaunchError, match="redis-server is not on PATH: install it"):
        Services(ports.choose(0), State(tmp_path)).redis("server")
