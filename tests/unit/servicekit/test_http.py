"""Outgoing HTTP against real sockets: deadline, size limit, second attempt, redirects."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from prometheus_client import REGISTRY
from pytest_httpserver import HTTPServer

from servicekit.app import build_app
from servicekit.http import (
    BodyTooLarge,
    DeadlineExceeded,
    HTTPClient,
    RedirectRefused,
    Unreachable,
)
from servicekit.settings import ServiceSettings
from tests.keys import KeyPair

MEBIBYTE = 1024 * 1024


def client(deadline_seconds: float = 5, max_bytes: int = MEBIBYTE) -> HTTPClient:
    return HTTPClient(deadline_seconds, max_bytes, "efishery-test")


@contextmanager
def server(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Serve one connection, for as long as the block runs or the client stays; yield the URL."""
    closing = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(4096)
            answer(connection, closing)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        closing.set()
        thread.join()


@pytest.mark.parametrize(
    "beginning",
    [b"", b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\nX-Endless: ", b"HTTP/1.1 200 OK\r\n\r\n["],
    ids=["silent", "status line", "header", "body"],
)
def test_a_trickling_answer_ends_at_the_deadline(beginning: bytes) -> None:
    def trickle(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(beginning)
        while not closing.wait(0.1):
            connection.sendall(b"0" if beginning else b"")

    with server(trickle) as url:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded, match=r"within 0\.5 s"):
            client(deadline_seconds=0.5).get(url)
        assert 0.5 <= time.monotonic() - started < 2


@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Endless: ",
        b"HTTP/1.1 302 Found\r\nLocation: http://example.org/\r\n\r\n",
    ],
    ids=["body", "header", "body of a redirect"],
)
def test_an_endless_answer_ends_at_the_limit(beginning: bytes) -> None:
    sent = 0

    def flood(connection: socket.socket, closing: threading.Event) -> None:
        nonlocal sent
        connection.sendall(beginning)
        while not closing.is_set():
            sent += connection.send(b"0" * 65536)

    with server(flood) as url, pytest.raises((BodyTooLarge, Unreachable, RedirectRefused)):
        client(deadline_seconds=30).get(url)
    assert sent < 32 * MEBIBYTE  # what fits into the limit and the buffers of two sockets


def test_a_compressed_body_counts_decompressed(httpserver: HTTPServer) -> None:
    bomb = gzip.compress(b"0" * 64 * MEBIBYTE, compresslevel=1)
    assert len(bomb) < MEBIBYTE
    httpserver.expect_request("/").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(BodyTooLarge, match="larger than 1048576 bytes"):
        client().get(httpserver.url_for("/"))


@pytest.mark.parametrize("length", [MEBIBYTE, MEBIBYTE + 1])
def test_the_limit_itself_is_allowed(httpserver: HTTPServer, length: int) -> None:
    httpserver.expect_request("/").respond_with_data(b"0" * length)
    if length > MEBIBYTE:
        with pytest.raises(BodyTooLarge):
            client().get(httpserver.url_for("/"))
    else:
        assert len(client().get(httpserver.url_for("/")).body) == length


def test_a_silent_server_is_asked_once() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        with pytest.raises(DeadlineExceeded):
            client(deadline_seconds=0.2).get(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_a_server_error_is_answered_after_a_second_attempt(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/broken").respond_with_data("no", status=503)
    assert client().get(httpserver.url_for("/broken")).status == 503
    assert len(httpserver.log) == 2


def test_the_second_attempt_can_succeed(httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request("/").respond_with_data("no", status=502)
    httpserver.expect_ordered_request("/").respond_with_data("yes")
    assert client().get(httpserver.url_for("/")).body == b"yes"


@pytest.mark.parametrize("status", [413, 429, 503])
def test_a_retry_after_is_not_waited_for(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/later").respond_with_data("no", status=status, headers={"Retry-After": "3600"})
    assert client().get(httpserver.url_for("/later")).status == status


def test_a_refused_connection_is_unreachable_and_names_no_url() -> None:
    with pytest.raises(Unreachable) as failed:
        client().get("http://127.0.0.1:9/?key=secret")
    assert str(failed.value) == "ConnectionError"


def test_what_is_not_http_is_unreachable() -> None:
    banner = b"SSH-2.0-OpenSSH_9.2\r\n"
    with server(lambda connection, _: connection.sendall(banner)) as url, pytest.raises(Unreachable):
        client().get(url)


def test_an_untrusted_certificate_is_refused(key_pair: KeyPair) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(key_pair.certificate, key_pair.key)
    with HTTPServer(ssl_context=context) as https:
        https.expect_request("/").respond_with_data("ok")
        with pytest.raises(Unreachable, match="SSLError"):
            client().get(https.url_for("/"))


def test_a_redirect_to_the_same_host_is_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/old").respond_with_data(status=301, headers={"Location": "/new?a=1"})
    httpserver.expect_request("/new", query_string="a=1").respond_with_data("found")
    assert client().get(httpserver.url_for("/old")).body == b"found"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://127.0.0.2:9/", "another host"),
        ("http://169.254.169.254/latest/meta-data", "another host"),
        ("//example.org/", "another host"),
        ("file:///etc/passwd", "another host"),
        ("ftp://localhost/", "from http to ftp"),
    ],
)
def test_other_redirects_are_refused(httpserver: HTTPServer, location: str, reason: str) -> None:
    httpserver.expect_request("/").respond_with_data(status=302, headers={"Location": location})
    with pytest.raises(RedirectRefused, match=reason):
        client().get(httpserver.url_for("/"))


def test_a_redirect_to_no_url_is_refused() -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n"
    with (
        server(lambda connection, _: connection.sendall(answer)) as url,
        pytest.raises(RedirectRefused, match="not a URL"),
    ):
        client().get(url)


def test_endless_redirects_are_refused(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(status=302, headers={"Location": "/"})
    with pytest.raises(RedirectRefused, match="more than 5"):
        client().get(httpserver.url_for("/"))
    assert len(httpserver.log) == 6


def test_the_user_agent_and_the_headers_of_the_request_are_sent(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("ok")
    app = build_app(__name__, ServiceSettings())
    app.add_url_rule("/calls", view_func=lambda: client().get(httpserver.url_for("/")).body)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    sent = {"X-Request-ID": "abc-1", "traceparent": trace, "tracestate": "congo=t61rcWkgMzE"}
    app.test_client().get("/calls", headers=sent)
    client().get(httpserver.url_for("/"))
    within, outside = (dict(request.headers) for request, _ in httpserver.log)
    received = {name.lower(): value for name, value in within.items()}
    assert {name.lower(): value for name, value in sent.items()}.items() <= received.items()
    assert within["User-Agent"] == outside["User-Agent"] == "efishery-test"
    assert not {"x-request-id", "traceparent", "tracestate"} & {name.lower() for name in outside}


def calls(httpserver: HTTPServer, status: str, error_type: str) -> float:
    labels = {"http_request_method": "GET", "server_address": "localhost", "server_port": str(httpserver.port)}
    outcome = {"http_response_status_code": status, "error_type": error_type}
    return REGISTRY.get_sample_value("http_client_request_duration_seconds_count", labels | outcome) or 0


@pytest.mark.parametrize(
    ("status", "code", "error_type"), [(200, "200", ""), (404, "404", "404"), (799, "_OTHER", "_OTHER")]
)
def test_a_call_is_measured(httpserver: HTTPServer, status: int, code: str, error_type: str) -> None:
    httpserver.expect_request("/").respond_with_data("ok", status=status)
    before = calls(httpserver, code, error_type)
    client().get(f"http://user:secret@localhost:{httpserver.port}/?key=secret")
    assert calls(httpserver, code, error_type) == before + 1


@pytest.mark.parametrize(
    ("location", "error_type"), [("http://other.example:9999/", "redirect_refused"), ("", "timeout")]
)
def test_a_call_without_an_answer_is_measured_with_the_error(
    httpserver: HTTPServer, location: str, error_type: str
) -> None:
    httpserver.expect_request("/").respond_with_data(status=302, headers={"Location": location})
    before = calls(httpserver, "", error_type)
    with pytest.raises((RedirectRefused, DeadlineExceeded)):
        client(deadline_seconds=5 if location else 0).get(f"http://localhost:{httpserver.port}/")
    assert calls(httpserver, "", error_type) == before + 1


@pytest.mark.parametrize("url", ["http://[", "http://localhost:99999/", "localhost"])
def test_what_is_no_url_is_unreachable(url: str) -> None:
    with pytest.raises(Unreachable):
        client().get(url)
