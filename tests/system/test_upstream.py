"""fetch while its upstream or its Redis is slow or silent."""

import socket
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
import requests

from tests.processes.fetch_process import StartFetch
from tests.system.running import RunningSystem, Start
from tests.unit.fetch.support import Headers

UPSTREAM_TIMEOUT_SECONDS = 4


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


def get(url: str, path: str, headers: Headers) -> tuple[requests.Response, float]:
    """Return the answer and the seconds that it took."""
    started = time.monotonic()
    answer = requests.get(f"{url}{path}", headers=headers, timeout=30)
    return answer, time.monotonic() - started


def admin_headers(system: RunningSystem) -> dict[str, str]:
    token = system.login(system.find(r"phone (\+\d+)"), system.find(r"password (\S+)"))
    return {"Authorization": f"Bearer {token}"}


def test_a_trickling_list_does_not_stop_fetch(
    start_fetch: StartFetch, trickling: TricklingServer, user: Headers
) -> None:
    fetch = start_fetch(
        "granian", FETCH_LIST_URL=trickling.url, FETCH_UPSTREAM_TIMEOUT_SECONDS=str(UPSTREAM_TIMEOUT_SECONDS)
    )
    fetch.wait_until("/readyz", 503)
    answers = [get(fetch.url, path, user) for path in ("/fetch/claims", "/ping", "/fetch/swagdocs") for _ in range(3)]
    assert trickling.connections, "the others must be answered while the upstream trickles"
    assert [answer.status_code for answer, _ in answers] == [200] * 9
    assert max(seconds for _, seconds in answers) < 2
    with ThreadPoolExecutor(8) as pool:
        lists = list(pool.map(lambda _: get(fetch.url, "/fetch/resource", user), range(8)))
    assert {answer.status_code for answer, _ in lists} == {503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer, _ in lists)
    assert max(seconds for _, seconds in lists) < UPSTREAM_TIMEOUT_SECONDS + 4
    assert "cannot be reached in time" in fetch.management("/readyz").json()["msg"]


def test_a_silent_redis_is_skipped_after_one_timeout(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        monkeypatch.setenv("FETCH_REDIS_URL", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        system = start()
        system.wait_until_up()
        headers = admin_headers(system)
        get(system.url, "/fetch/resource", headers)
        answers = [get(system.url, "/fetch/resource", headers) for _ in range(5)]
    assert {answer.status_code for answer, _ in answers} == {200}
    assert statistics.median(seconds for _, seconds in answers) < 0.2
