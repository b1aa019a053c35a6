"""gunicorn with one thread, and a client that stalls on it."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests

from servicekit.stalled_clients import STALL_SECONDS
from tests.unit.servicekit.serving import Server, serving

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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("stalled"), APPLICATION, HTTP_THREADS="1") as server:
        yield server


def stall(port: int, data: bytes) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(data)
    return client


# An unread answer makes progress until the kernel's buffers are full, so its time is that of several writes.
@pytest.mark.parametrize(("data", "stalls"), [(HEADER, 1), (BODY, 1), (UNREAD, 4)], ids=["header", "body", "unread"])
def test_a_stalled_client_frees_its_thread(server: Server, data: bytes, stalls: int) -> None:
    with closing(stall(server.port, data)):
        answer = requests.get(f"{server.url}/ping", timeout=STALL_SECONDS * stalls + 10)
    assert answer.status_code == 200


def test_a_stalled_body_is_answered_logged_in_one_line_and_measured(server: Server) -> None:
    with closing(stall(server.port, BODY)) as body, closing(stall(server.port, HEADER)) as header:
        body.settimeout(STALL_SECONDS + 10)
        answer = b"".join(iter(lambda: body.recv(4096), b""))
        header.settimeout(2 * STALL_SECONDS + 10)
        assert header.recv(4096) == b""
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"status":408' in answer
    log = server.log.read_text()
    assert "client_stalled" in log
    assert "Traceback" not in log
    labels = 'http_request_method="POST",http_response_status_code="408",http_route="/echo"'
    assert f"http_server_request_duration_seconds_count{{{labels}}}" in server.metrics()
