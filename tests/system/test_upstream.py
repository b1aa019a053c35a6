"""fetch, through the gateway, while its upstream or its Redis is slow or silent."""

import socket
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
import requests

from tests.system.running import RunningSystem, Start

UPSTREAM_TIMEOUT_SECONDS = 4
HTTP_THREADS = 8  # of fetch in the chart


class TricklingServer(ThreadingTCPServer):
    """Answers with `beginning` and then one byte each 0.4 s, for as long as the client reads."""

    daemon_threads = True

    def __init__(self, beginning: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Trickle)
        self.beginning = beginning
        self.connections = 0
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/commodities"


class _Trickle(BaseRequestHandler):
    server: TricklingServer

    def handle(self) -> None:
        self.server.connections += 1
        try:
            self.request.sendall(self.server.beginning)
            while not self.server.closing.wait(0.4):
                self.request.sendall(b" ")
        except OSError:  # the client gave up
            return


@pytest.fixture
def trickling() -> Iterator[TricklingServer]:
    """An upstream whose header never ends; tests/unit/servicekit/test_http.py has the other parts of an answer."""
    with TricklingServer(b"HTTP/1.1 200 OK\r\nX-Endless: ") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


def get(system: RunningSystem, path: str, headers: dict[str, str]) -> tuple[requests.Response, float]:
    """Return the answer and the seconds that it took."""
    started = time.monotonic()
    answer = requests.get(f"{system.url}{path}", headers=headers, timeout=30)
    return answer, time.monotonic() - started


def admin_headers(system: RunningSystem) -> dict[str, str]:
    token = system.login(system.find(r"phone (\+\d+)"), system.find(r"password (\S+)"))
    return {"Authorization": f"Bearer {token}"}


def test_a_trickling_list_ends_at_the_deadline_and_does_not_stop_fetch(
    start: Start, trickling: TricklingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FETCH_LIST_URL", trickling.url)
    monkeypatch.setenv("FETCH_UPSTREAM_TIMEOUT_SECONDS", str(UPSTREAM_TIMEOUT_SECONDS))
    monkeypatch.setenv("HTTP_THREADS", str(HTTP_THREADS))
    system = start()
    system.wait_until_up()
    headers = admin_headers(system)
    assert get(system, "/fetch/rate", headers)[0].status_code == 200
    with ThreadPoolExecutor(HTTP_THREADS) as pool:
        lists = [pool.submit(get, system, "/fetch/resource", headers) for _ in range(HTTP_THREADS)]
        while not trickling.connections:
            assert not any(each.done() for each in lists)
            time.sleep(0.02)
        others = [get(system, path, headers) for path in ("/fetch/rate", "/fetch/claims", "/ping") for _ in range(3)]
        assert not all(each.done() for each in lists), "the others must be answered while the upstream trickles"
        answers = [each.result() for each in lists]
    assert [answer.status_code for answer, _ in others] == [200] * 9
    assert max(seconds for _, seconds in others) < 2
    assert {answer.status_code for answer, _ in answers} == {503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer, _ in answers)
    assert max(seconds for _, seconds in answers) < UPSTREAM_TIMEOUT_SECONDS + 2


def test_a_silent_redis_is_skipped_after_one_timeout(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        monkeypatch.setenv("FETCH_REDIS_URL", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        system = start()
        system.wait_until_up()
        headers = admin_headers(system)
        get(system, "/fetch/resource", headers)
        answers = [get(system, "/fetch/resource", headers) for _ in range(5)]
    assert {answer.status_code for answer, _ in answers} == {200}
    assert statistics.median(seconds for _, seconds in answers) < 0.2
