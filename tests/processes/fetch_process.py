"""fetch as a process of its own, under either server, with an upstream and a Redis of the test."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from pytest_httpserver import HTTPServer

from tests.keys import KeyPair
from tests.system.running import free_port
from tests.unit.fetch.support import Headers, bearer

START_SECONDS = 60
COMMANDS = {
    "granian": ("-m", "efishery_fetch"),
    "gunicorn": ("-m", "gunicorn", "-c", "python:servicekit.gunicorn_conf", "efishery_fetch:create_app()"),
}


@dataclass
class FetchProcess:
    """A running fetch."""

    port: int
    management_port: int
    process: subprocess.Popen[bytes]
    output: Path

    @classmethod
    def start(cls, server: str, folder: Path, **settings: str) -> "FetchProcess":
        """Start it; `settings` are environment variables."""
        port, management_port = free_port(), free_port()
        ports = {"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(port), "MANAGEMENT_PORT": str(management_port)}
        path = folder / f"fetch-{port}"
        with path.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *COMMANDS[server]],
                env={**os.environ, **ports, **settings},
                stdout=output,
                stderr=output,
            )
        return cls(port, management_port, process, path)

    @property
    def url(self) -> str:
        """The public port."""
        return f"http://127.0.0.1:{self.port}"

    def wait_until(self, path: str = "/readyz", status: int = 200) -> None:
        """Wait until the management port answers `path` with this status, and the public port listens."""
        deadline = time.monotonic() + START_SECONDS
        while self._status(path) != status or not self._listens():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)

    def management(self, path: str) -> requests.Response:
        """GET a path of the management port."""
        return requests.get(f"http://127.0.0.1:{self.management_port}{path}", timeout=5)

    def _status(self, path: str) -> int | None:
        try:
            return self.management(path).status_code
        except requests.ConnectionError:
            return None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """End it and its children, whatever state it is in."""
        subprocess.run(["pkill", "-KILL", "-P", str(self.process.pid)], check=False)
        self.process.kill()
        self.process.wait()


StartFetch = Callable[..., FetchProcess]


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis of this test."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "efishery_run.redis", str(port)])
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
