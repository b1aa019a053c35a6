"""Each failure of the upstream becomes an error with its outcome, and an envelope with Retry-After."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from fakeredis import FakeRedis
from prometheus_client import REGISTRY
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from efishery_fetch import create_app
from efishery_fetch import upstream as upstream_module
from efishery_fetch.settings import FetchSettings
from efishery_fetch.upstream import Upstream, UpstreamError, UpstreamInvalid, UpstreamUnavailable
from servicekit.http import HTTPClient
from tests.unit.fetch.support import Headers

MAX_BYTES = 1024 * 1024


def upstream_at(url: str, max_calls: int = 4) -> Upstream:
    return Upstream(HTTPClient(0.5, MAX_BYTES, "efishery-fetch"), url, max_calls)


def fetch(httpserver: HTTPServer, body: bytes, status: int = 200) -> list[object]:
    httpserver.expect_request("/list").respond_with_data(body, status)
    return upstream_at(httpserver.url_for("/list")).fetch()


def count(outcome: str) -> float:
    return REGISTRY.get_sample_value("fetch_upstream_answers_total", {"outcome": outcome}) or 0


def failure(upstream: Upstream) -> UpstreamError:
    """Return the error of a call that is expected to fail, and check that its outcome is counted."""
    before = {outcome: count(outcome) for outcome in ("unreachable", "timeout", "too_large", "busy", "circuit_open")}
    with pytest.raises(UpstreamError) as failed:
        upstream.fetch()
    if failed.value.outcome in before:
        assert count(failed.value.outcome) == before[failed.value.outcome] + 1
    return failed.value


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=32) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/list"


def test_numbers_with_a_fraction_are_exact(httpserver: HTTPServer) -> None:
    assert fetch(httpserver, b'[{"price": 0.1}, 5]') == [{"price": Decimal("0.1")}, 5]


@pytest.mark.parametrize("number", [b"9" * 5000, b"1e99999999999999999999", b"NaN", b"-Infinity"])
def test_no_number_fails_the_list(httpserver: HTTPServer, number: bytes) -> None:
    assert fetch(httpserver, b"[" + number + b"]") == [number.decode()]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1, 2", b"\xff\xfe\xfd", b"[" * 100_000])
def test_a_body_that_is_not_json_is_invalid(httpserver: HTTPServer, body: bytes) -> None:
    with pytest.raises(UpstreamInvalid, match="upstream answered with something that is not JSON"):
        fetch(httpserver, body)


@pytest.mark.parametrize("body", [b"{}", b"null", b'"list"', b"7"])
def test_json_that_is_not_an_array_is_invalid(httpserver: HTTPServer, body: bytes) -> None:
    with pytest.raises(UpstreamInvalid, match="not an array"):
        fetch(httpserver, body)


@pytest.mark.parametrize("status", [204, 401, 404, 500])
def test_another_status_is_invalid(httpserver: HTTPServer, status: int) -> None:
    with pytest.raises(UpstreamInvalid, match=f"upstream answered with status {status}"):
        fetch(httpserver, b"[]" if status != 204 else b"", status)


def test_a_body_over_the_limit_is_invalid(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/list").respond_with_data(b" " * (MAX_BYTES + 1))
    error = failure(upstream_at(httpserver.url_for("/list")))
    assert isinstance(error, UpstreamInvalid)
    assert error.outcome == "too_large"


def test_a_redirect_to_another_host_is_invalid(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/list").respond_with_data(status=302, headers={"Location": "http://192.0.2.1/"})
    error = failure(upstream_at(httpserver.url_for("/list")))
    assert isinstance(error, UpstreamInvalid)
    assert "configure the final URL" in str(error)


def test_a_refused_connection_is_unavailable() -> None:
    error = failure(upstream_at("http://127.0.0.1:9/list?key=secret"))
    assert isinstance(error, UpstreamUnavailable)
    assert (error.outcome, "secret" in str(error)) == ("unreachable", False)


def test_no_answer_in_time_is_unavailable(silent: str) -> None:
    error = failure(upstream_at(silent))
    assert isinstance(error, UpstreamUnavailable)
    assert error.outcome == "timeout"


def test_after_failures_in_a_row_the_upstream_is_not_asked(silent: str) -> None:
    upstream = upstream_at(silent)
    assert [failure(upstream).outcome for _ in range(4)] == ["timeout", "timeout", "timeout", "circuit_open"]
    started = time.monotonic()
    failure(upstream)
    assert time.monotonic() - started < 0.2


def test_invalid_answers_do_not_open_the_circuit(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/list").respond_with_data(b"{}")
    upstream = upstream_at(httpserver.url_for("/list"))
    assert [failure(upstream).outcome for _ in range(5)] == ["bad_body"] * 5


def test_calls_over_the_limit_fail_without_reaching_the_upstream(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_module, "SLOT_WAIT_SECONDS", 0.05)
    asked, release = threading.Semaphore(0), threading.Event()

    def wait(_request: Request) -> Response:
        asked.release()
        release.wait(10)
        return Response("[]")

    httpserver.expect_request("/list").respond_with_handler(wait)
    upstream = Upstream(HTTPClient(10, MAX_BYTES, "efishery-fetch"), httpserver.url_for("/list"), 1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(upstream.fetch)
        assert asked.acquire(timeout=10)
        assert failure(upstream).outcome == "busy"
        release.set()
        assert first.result() == []
    assert upstream.fetch() == []


@pytest.mark.parametrize(("url", "status"), [(None, 502), ("http://127.0.0.1:9/", 503)], ids=["invalid", "unreachable"])
def test_the_client_gets_an_envelope_with_retry_after(
    settings: FetchSettings, redis: FakeRedis, httpserver: HTTPServer, user: Headers, url: str | None, status: int
) -> None:
    httpserver.expect_request("/commodities").respond_with_data(b"{}")
    client = create_app(settings.model_copy(update={"list_url": url or settings.list_url}), redis=redis).test_client()
    answer = client.get("/fetch/resource", headers=user)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "10")
    assert answer.get_json()["success"] is False
    assert answer.get_json()["msg"].startswith("the commodity list's upstream ")
