"""gunicorn with one thread, and a client that stalls on it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from servicekit.stalled_clients import STALL_SECONDS

APPLICATION = """
from flask import request
from servicekit.app import build_app
from servicekit.settings import ServiceSettings

def create_app():
    app = build_app("stalled", ServiceSettings())
    app.add_url_rule("/echo", "echo", lambda: str(request.get_json()), methods=["POST"])
    app.add_url_rule("/large", "large", lambda: b"x" * 20_000_000)
    return app
"""
HEADER = b"GET /ping HTTP/1.1\r\nHost: x\r\nX-Stalled: "
BODY = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
UNREAD = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Its port and its log."""
    folder = tmp_path_factory.mktemp("stalled")
    (folder / "stalled.py").write_text(APPLICATION)
    port, log = free_port(), folder / "log"
    ports = {"HTTP_PORT": str(port), "MANAGEMENT_PORT": str(free_port())}
    command = [sys.executable, "-m", "gunicorn", "-c", "python:servicekit.gunicorn_conf", "stalled:create_app()"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **ports, "HTTP_HOST": "127.0.0.1", "HTTP_THREADS": "1"},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_up(port)
        yield port, log
    finally:
        process.kill()
        process.wait()


def wait_until_up(port: int) -> None:
    """Wait for an answer: the kernel accepts connections before gunicorn has set their timeouts."""
    retries = Retry(connect=None, total=20, backoff_factor=0.1, backoff_max=1)
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retries))
        session.get(f"http://127.0.0.1:{port}/ping", timeout=30).raise_for_status()


def stall(port: int, data: bytes) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(data)
    return client


# An unread answer makes progress until the kernel's buffers are full, so its time is that of several writes.
@pytest.mark.parametrize(("data", "stalls"), [(HEADER, 1), (BODY, 1), (UNREAD, 4)], ids=["header", "body", "unread"])
def test_a_stalled_client_frees_its_thread(server: tuple[int, Path], data: bytes, stalls: int) -> None:
    port, _ = server
    with closing(stall(port, data)):
        answer = requests.get(f"http://127.0.0.1:{port}/ping", timeout=STALL_SECONDS * stalls + 10)
    assert answer.status_code == 200


def test_a_stalled_body_is_answered_and_logged_in_one_line(server: tuple[int, Path]) -> None:
    port, log = server
    with closing(stall(port, BODY)) as body, closing(stall(port, HEADER)) as header:
        body.settimeout(STALL_SECONDS + 10)
        answer = b"".join(iter(lambda: body.recv(4096), b""))
        header.settimeout(2 * STALL_SECONDS + 10)
        assert header.recv(4096) == b""
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"status":408' in answer
    assert "client_stalled" in log.read_text()
    assert "Traceback" not in log.read_text()
