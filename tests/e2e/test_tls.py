"""TLS at the ingress gateway: what it offers, redirects and refuses, and for how long it waits."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import NAMESPACE, Cluster, run, wait_for
from tests.e2e.conftest import CERTIFIED_NAME, Gateway
from tests.load.connections import address, connect
from tests.load.response_headers import REQUESTS, check_response_headers

HANDSHAKE_SECONDS = 10  # envoyfilter-limits.yaml


@pytest.fixture(scope="module")
def plain(repository: Path) -> Gateway:
    """The gateway without TLS."""
    return Gateway(run(repository, "hack/gateway-url", "http").strip())


@pytest.mark.parametrize("name", REQUESTS)
def test_answers_have_security_headers_and_do_not_name_the_server(gateway: Gateway, name: str) -> None:
    check_response_headers(gateway.url, name, over_tls=True)


@pytest.mark.parametrize(("method", "path"), [("GET", "/fetch/rate?x=1"), ("POST", "/auth/login"), ("GET", "/")])
def test_http_is_redirected(plain: Gateway, method: str, path: str) -> None:
    answer = plain.request(method, path, allow_redirects=False, data="{}" if method == "POST" else None)
    assert answer.status_code == 301
    assert answer.headers["Location"] == "https" + plain.url.removeprefix("http") + path
    assert "Strict-Transport-Security" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_old_versions_of_tls_are_refused(gateway: Gateway, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context()
    context.set_ciphers("ALL:@SECLEVEL=0")  # else this client itself refuses them
    context.minimum_version = context.maximum_version = version
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        _shake_hands(gateway.url, context, address(gateway.url)[0])


def _shake_hands(url: str, context: ssl.SSLContext, name: str) -> None:
    with closing(socket.create_connection(address(url), timeout=10)) as connection:
        context.wrap_socket(connection, server_hostname=name).close()


def client_hello() -> bytes:
    """Make the first message of a handshake."""
    sent = ssl.MemoryBIO()
    handshake = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        handshake.do_handshake()
    return sent.read()


def test_a_handshake_that_does_not_end_is_ended(gateway: Gateway) -> None:
    hello = client_hello()
    with ExitStack() as stack:
        connections = [
            stack.enter_context(closing(socket.create_connection(address(gateway.url), timeout=20))) for _ in range(4)
        ]
        began = time.monotonic()
        for connection, data in zip(connections, (b"", hello[:1], hello[:-1], hello), strict=True):
            connection.sendall(data)
        for connection in connections:
            _read_all(connection)
    assert HANDSHAKE_SECONDS - 1 < time.monotonic() - began < HANDSHAKE_SECONDS + 3


def _read_all(connection: socket.socket) -> None:
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass


@pytest.fixture
def one_host(cluster: Cluster, gateway: Gateway) -> Iterator[str]:
    """The gateway's only host, for the duration of a test."""
    before = _hosts(cluster, CERTIFIED_NAME)
    try:
        wait_for("the gateway to refuse other names", lambda: not _shakes_hands(gateway.url), 30)
        yield CERTIFIED_NAME
    finally:
        _hosts(cluster, *before)
        wait_for("the gateway to take every name", lambda: _shakes_hands(gateway.url), 30)


def _hosts(cluster: Cluster, *hosts: str) -> list[str]:
    """Set the hosts of the Gateway; return those from before."""
    which = ("networking.istio.io", "v1", NAMESPACE, "gateways", "efishery")
    found: dict[str, Any] = cluster.custom.get_namespaced_custom_object(*which)
    before: list[str] = found["spec"]["servers"][0]["hosts"]
    for server in found["spec"]["servers"]:
        server["hosts"] = list(hosts)
    cluster.custom.replace_namespaced_custom_object(*which, found)
    return before


def _shakes_hands(url: str) -> bool:
    try:
        connect(url, timeout=5).close()
    except OSError:
        return False
    return True


def test_only_named_hosts_are_served(gateway: Gateway, one_host: str) -> None:
    named = Gateway(gateway.url, one_host)
    assert named.get("/ping").status_code == 200
    assert named.get("/ping", {"Host": "other.example"}).status_code == 404
    with pytest.raises(ConnectionResetError):
        _shake_hands(gateway.url, ssl.create_default_context(), "other.example")
