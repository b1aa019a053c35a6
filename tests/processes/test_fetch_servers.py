"""fetch under Granian, which its image runs, and under gunicorn: the same answers, limits and end."""

import gzip
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.processes.fetch_process import COMMANDS, FetchProcess, StartFetch
from tests.unit.fetch.support import Headers, upstream_row

PATH = "/fetch/resource"


@pytest.fixture(params=sorted(COMMANDS))
def server(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class SlowUpstream:
    """Answers one row when `release` is set; counts the calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.called, self.release = threading.Event(), threading.Event()

    def __call__(self, _request: Request) -> Response:
        self.calls += 1
        self.called.set()
        assert self.release.wait(60)
        return Response(f"[{upstream_row()}]".replace("'", '"'))


@pytest.fixture
def slow_upstream(httpserver: HTTPServer) -> Iterator[SlowUpstream]:
    upstream = SlowUpstream()
    httpserver.expect_request("/commodities").respond_with_handler(upstream)
    yield upstream
    upstream.release.set()


def test_both_servers_send_the_same_bytes(start_fetch: StartFetch, httpserver: HTTPServer, user: Headers) -> None:
    httpserver.expect_request("/commodities").respond_with_json([upstream_row()])
    answers = {}
    for name in COMMANDS:
        fetch = start_fetch(name)
        fetch.wait_until()
        url = f"{fetch.url}{PATH}"
        requests.get(url, headers=user, timeout=5)
        with requests.get(url, headers=user | {"Accept-Encoding": "gzip"}, stream=True, timeout=5) as answer:
            body = answer.raw.read(decode_content=False)
        assert gzip.decompress(body).startswith(b'{"success":true')
        again = requests.get(url, headers=user | {"If-None-Match": answer.headers["ETag"]}, timeout=5)
        assert (again.status_code, again.content) == (304, b"")
        assert requests.get(url, timeout=5).status_code == 401
        assert requests.head(url, headers=user, timeout=5).headers["Content-Length"] == answer.headers["Content-Length"]
        answers[name] = (answer.status_code, body, answer.headers["ETag"], answer.headers["Vary"])
    assert answers["granian"] == answers["gunicorn"]
    assert len(httpserver.log) == 1


def test_both_servers_listen_on_every_address_of_ipv4_and_ipv6(
    start_fetch: StartFetch, server: str, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/commodities").respond_with_json([upstream_row()])
    fetch = start_fetch(server, HTTP_HOST="")
    fetch.wait_until()
    for host in ("127.0.0.1", "[::1]"):
        assert requests.get(f"http://{host}:{fetch.port}/ping", timeout=5).status_code == 200
        assert requests.get(f"http://{host}:{fetch.management_port}/readyz", timeout=5).status_code == 200


def test_a_thousand_cold_requests_to_three_pods_make_one_call(
    start_fetch: StartFetch, slow_upstream: SlowUpstream, user: Headers
) -> None:
    pods = [start_fetch("granian", HTTP_THREADS="8") for _ in range(3)]
    for pod in pods:
        pod.wait_until("/readyz", 503)
    assert slow_upstream.called.wait(10)

    def ask(number: int) -> int:
        return requests.get(f"{pods[number % 3].url}{PATH}", headers=user, timeout=60).status_code

    with ThreadPoolExecutor(300) as pool:
        answers = [pool.submit(ask, number) for number in range(1000)]
        wait_for_connections(pods, 100)
        assert not any(answer.done() for answer in answers), "they wait for the list"
        slow_upstream.release.set()
        assert {answer.result() for answer in answers} == {200}
    assert slow_upstream.calls == 1


def test_an_open_request_is_answered_after_sigterm(
    start_fetch: StartFetch, server: str, slow_upstream: SlowUpstream, user: Headers
) -> None:
    fetch = start_fetch(server)
    fetch.wait_until("/readyz", 503)
    assert slow_upstream.called.wait(10)
    with ThreadPoolExecutor(2) as pool:
        answer = pool.submit(requests.get, f"{fetch.url}{PATH}", headers=user, timeout=30)
        wait_for_connections([fetch])
        ended = pool.submit(fetch.stop)
        wait_until_refused(fetch)
        slow_upstream.release.set()
        assert answer.result().status_code == 200
        assert ended.result() == 0


def test_clients_that_stall_do_not_hold_the_only_thread(
    start_fetch: StartFetch, server: str, httpserver: HTTPServer, user: Headers
) -> None:
    httpserver.expect_request("/commodities").respond_with_json([upstream_row(price=str(n)) for n in range(1, 20_000)])
    fetch = start_fetch(server, HTTP_THREADS="1")
    fetch.wait_until()
    token = user["Authorization"].encode()
    stalled = [
        b"GET /ping HTTP/1.1\r\nHost: x\r\nX-Stalled: ",
        b"POST /fetch/resource HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
        b"GET /fetch/resource HTTP/1.1\r\nHost: x\r\nAuthorization: " + token + b"\r\n\r\n",
    ]
    with ExitStack() as stack:
        for data in stalled:
            client = stack.enter_context(closing(socket.create_connection(("127.0.0.1", fetch.port))))
            client.sendall(data)
        # gunicorn's thread is held for 5 s by each; Granian's by none.
        answer = requests.get(f"{fetch.url}{PATH}", headers=user, timeout=40)
    assert answer.status_code == 200


def test_a_header_that_is_too_large_is_refused(
    start_fetch: StartFetch, server: str, slow_upstream: SlowUpstream
) -> None:
    too_large = {"granian": 200_000, "gunicorn": 9_000}[server]
    fetch = start_fetch(server)
    fetch.wait_until("/healthz")
    with closing(socket.create_connection(("127.0.0.1", fetch.port), timeout=20)) as client:
        client.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * too_large + b"\r\n\r\n")
        answer = client.recv(4096)
    assert answer.split(b" ")[1] in (b"400", b"431"), answer


def test_bad_settings_end_it_with_their_names(start_fetch: StartFetch) -> None:
    fetch = start_fetch("granian", FETCH_LIST_TTL_SECONDS="soon")
    assert fetch.process.wait(30) == 2
    assert "FETCH_LIST_TTL_SECONDS: " in fetch.output.read_text()


def wait_for_connections(pods: Sequence[FetchProcess], number: int = 1) -> None:
    """Wait until that many clients are connected to their public ports (proc(5), tcp)."""
    ports, deadline = [f":{pod.port:04X}" for pod in pods], time.monotonic() + 10
    while sum(line.split()[1][-5:] in ports and line.split()[3] == "01" for line in tcp_sockets()) < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_until_refused(fetch: FetchProcess) -> None:
    """Wait until it accepts no new connection."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", fetch.port)).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)


def tcp_sockets() -> list[str]:
    return Path("/proc/net/tcp").read_text().splitlines()[1:]
