"""A gunicorn with servicekit's settings, as in the images, and an application of the test's own."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry


@dataclass(frozen=True)
class Server:
    """A running gunicorn: its URL, its port, that of the metrics, and its log."""

    port: int
    management_port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def metrics(self) -> str:
        """The text of its metrics."""
        return requests.get(f"http://127.0.0.1:{self.management_port}/metrics", timeout=10).text

    def stop(self) -> int:
        """End it as Kubernetes does, and return the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(folder: Path, source: str, **environment: str) -> Iterator[Server]:
    """Run the `create_app` of that source in `folder`, until the end of the block."""
    (folder / "application.py").write_text(source)
    ports = (free_port(), free_port())
    settings = {"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(ports[0]), "MANAGEMENT_PORT": str(ports[1])}
    command = [sys.executable, "-m", "gunicorn", "-c", "python:servicekit.gunicorn_conf", "application:create_app()"]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **settings, **environment}, stdout=output, stderr=output
        )
    try:
        server = Server(*ports, log, process)
        _wait_until_up(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait_until_up(server: Server) -> None:
    """Wait for an answer: the kernel accepts connections before gunicorn has set their timeouts."""
    retries = Retry(connect=None, total=60, backoff_factor=0.1, backoff_max=1)
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retries))
        session.get(f"{server.url}/ping", timeout=60).raise_for_status()
