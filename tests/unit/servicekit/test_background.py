"""The address of the ports beside the public one."""

import socket
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests

from servicekit.background import serve_in_background
from servicekit.settings import ANY_ADDRESS


def _app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"alive"]


def test_every_address_is_of_ipv6_and_of_ipv4() -> None:
    server = serve_in_background(_app, ANY_ADDRESS, 0)
    hosts = ["[::1]", "127.0.0.1"] if socket.has_dualstack_ipv6() else ["127.0.0.1"]
    for host in hosts:
        assert requests.get(f"http://{host}:{server.server_port}/", timeout=5).text == "alive"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])  # noqa: S104 -- as HTTP_HOST may say
def test_an_address_of_ipv4_stays_one(host: str) -> None:
    server = serve_in_background(_app, host, 0)
    assert server.socket.family is socket.AF_INET
    server.shutdown()
    server.server_close()
