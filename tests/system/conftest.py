"""Launchers and fetch processes for tests that need separate ones."""

import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest
from pytest_httpserver import HTTPServer

from tests.keys import KeyPair
from tests.system.fetch_process import FetchProcess, StartFetch
from tests.system.running import RunningSystem, Start, free_port
from tests.unit.fetch.support import Headers, bearer


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts separate launchers for this test."""
    started: list[RunningSystem] = []

    def start_one(*arguments: str, port: int | None = None, folder: Path = tmp_path) -> RunningSystem:
        started.append(RunningSystem.start(folder, *arguments, port=port))
        return started[-1]

    yield start_one
    for system in started:
        system.launcher.kill()
        system.launcher.wait()


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis of this test."""
    port = free_port()
    process = Popen([sys.executable, "-m", "efishery_run.redis", str(port)])
    yield f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.wait()


@pytest.fixture
def start_fetch(tmp_path: Path, key_pair: KeyPair, redis_url: str, httpserver: HTTPServer) -> Iterator[StartFetch]:
    """Starts fetch processes that share an upstream, which is the test's HTTP server, and a Redis."""
    started: list[FetchProcess] = []

    def start_one(server: str, **settings: str) -> FetchProcess:
        required = {
            "FETCH_LIST_URL": httpserver.url_for("/commodities"),
            "FETCH_REDIS_URL": redis_url,
            "FETCH_UPSTREAM_TIMEOUT_SECONDS": "60",
            "FETCH_VERIFICATION_KEYS_DIR": str(key_pair.certificate.parent),
        }
        started.append(FetchProcess.start(server, tmp_path, **(required | settings)))
        return started[-1]

    yield start_one
    for process in started:
        process.kill()


@pytest.fixture
def user(key_pair: KeyPair) -> Headers:
    """The header of a user's token."""
    return bearer(key_pair, "user")
