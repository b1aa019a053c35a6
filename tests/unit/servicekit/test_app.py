import socket
import struct

import pytest
import requests
from flask import request
from flask.testing import FlaskClient

from servicekit.app import build_app, start_background
from servicekit.settings import ServiceSettings


@pytest.fixture
def client() -> FlaskClient:
    return build_app(__name__, ServiceSettings()).test_client()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_ping_answers_pong(client: FlaskClient) -> None:
    assert client.get("/ping").get_json() == {"success": True, "status": 200, "msg": "pong", "data": None}


def test_a_body_without_bound_is_refused(client: FlaskClient) -> None:
    @client.application.post("/echo")
    def echo() -> str:
        return str(request.get_json())

    response = client.post("/echo", data=b'"' + b"x" * 100_000 + b'"', content_type="application/json")
    assert response.status_code == response.get_json()["status"] == 413


def test_the_management_port_answers() -> None:
    port = free_port()
    start_background(build_app(__name__, ServiceSettings()), "127.0.0.1", port)
    assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    assert requests.get(f"http://127.0.0.1:{port}/ping", timeout=5).status_code == 404


def test_a_cut_request_is_one_event(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    app = build_app(__name__, ServiceSettings())
    start_background(app, "127.0.0.1", port)
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes by a reset
        client.sendall(b"GET /healthz HTTP/1.1\r\n")
    # The connection is handled in another thread; the next request shows that the server still works.
    assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
    output = capsys.readouterr()
    assert "Traceback" not in output.out + output.err


def test_options_is_an_envelope(client: FlaskClient) -> None:
    response = client.options("/ping")
    assert response.status_code == response.get_json()["status"] == 405
