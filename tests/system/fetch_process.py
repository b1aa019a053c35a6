"""fetch as a process of its own, under either server, with an upstream and a Redis of the test."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.system.running import free_port

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
