"""Each failure of the upstream becomes an error with its outcome, and an envelope with Retry-After."""

import socket
from collections.abc import Iterator
from decimal import Decimal

import pytest
from fakeredis import FakeRedis
from pytest_httpserver import HTTPServer

from efishery_fetch.settings import FetchSettings
from efishery_fetch.upstream import (
    MAX_VALUES,
    ListAnswer,
    Upstream,
    UpstreamError,
    UpstreamInvalid,
    UpstreamUnavailable,
)
from servicekit.http import HTTPClient
from tests.unit.fetch.support import Headers, refreshing_client

MAX_BYTES = 1024 * 1024


def upstream_at(url: str) -> Upstream:
    return Upstream(HTTPClient(0.5, MAX_BYTES, "efishery-fetch"), url)


def fetch(httpserver: HTTPServer, body: bytes, status: int = 200) -> list[object]:
    httpserver.expect_request("/list").respond_with_data(body, status)
    answer = upstream_at(httpserver.url_for("/list")).fetch()
    assert answer is not None
    return answer.items


def failure(upstream: Upstream) -> UpstreamError:
    """Return the error of a call that is expected to fail."""
    with pytest.raises(UpstreamError) as failed:
        upstream.fetch()
    return failed.value


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=32) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/list"


def test_numbers_with_a_fraction_are_exact(httpserver: HTTPServer) -> None:
    assert fetch(httpserver, b'[{"price": 0.1}, 5]') == [{"price": Decimal("0.1")}, 5]


@pytest.mark.parametrize(
    ("number", "parsed"),
    [
        (b"9" * 5000, "NaN"),
        (b"-" + b"9" * 100, "NaN"),
        (b"0." + b"9" * 5000, "NaN"),
        (b"1e99999999999999999999", "NaN"),
        (b"NaN", "NaN"),
        (b"-Infinity", "-Infinity"),
    ],
)
def test_a_number_that_is_none_or_too_long_is_not_text(httpserver: HTTPServer, number: bytes, parsed: str) -> None:
    assert repr(fetch(httpserver, b"[" + number + b"]")) == f"[Decimal('{parsed}')]"


NESTED = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize(
    "body",
    [
        b"[%b]",
        b" [ 1 , %b , {}\n]\n",
        b'[1,{"a": "]\\"[{", "b": %b}]',
        b'[{"a":' * 5_000 + b"1" + b"}]" * 5_000,
        b"\xef\xbb\xbf[%b]",
    ],
)
def test_an_item_that_is_nested_too_deeply_does_not_fail_the_list(httpserver: HTTPServer, body: bytes) -> None:
    items = fetch(httpserver, body % NESTED if b"%b" in body else body)
    (text,) = (item for item in items if item not in (1, {}))
    assert isinstance(text, str)
    assert 0 < len(text) <= 500


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("end", [b"", b",", b",]", b"] x", b"]]", b"}", b" 1]", b', "\xff"]', b', "a]', b", nul]"])
def test_a_list_with_such_an_item_that_is_not_json_is_invalid(httpserver: HTTPServer, end: bytes) -> None:
    with pytest.raises(UpstreamInvalid, match="upstream answered with something that is not JSON"):
        fetch(httpserver, b"[" + NESTED + end)


@pytest.mark.usefixtures("no_garbage_collection")
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


def test_too_many_values_are_refused_before_they_take_memory(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/list").respond_with_data(b"[" + b"0," * MAX_VALUES + b"0,0]")
    client = HTTPClient(5, 16 * MAX_BYTES, "efishery-fetch")
    error = failure(Upstream(client, httpserver.url_for("/list")))
    assert isinstance(error, UpstreamInvalid)
    assert error.outcome == "too_large"


def test_the_etag_is_returned_and_sent(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/list").respond_with_data(b"[]", headers={"ETag": '"v1"'})
    upstream = upstream_at(httpserver.url_for("/list"))
    assert upstream.fetch() == ListAnswer([], '"v1"')
    httpserver.clear()
    httpserver.expect_request("/list", headers={"If-None-Match": '"v1"'}).respond_with_data(status=304)
    assert upstream.fetch('"v1"') is None


def test_a_304_that_was_not_asked_for_is_invalid(httpserver: HTTPServer) -> None:
    with pytest.raises(UpstreamInvalid, match="status 304"):
        fetch(httpserver, b"", 304)


@pytest.mark.parametrize(("url", "status"), [(None, 502), ("http://127.0.0.1:9/", 503)], ids=["invalid", "unreachable"])
def test_the_client_gets_an_envelope_with_retry_after(
    settings: FetchSettings, redis: FakeRedis, httpserver: HTTPServer, user: Headers, url: str | None, status: int
) -> None:
    httpserver.expect_request("/commodities").respond_with_data(b"{}")
    client = refreshing_client(settings.model_copy(update={"list_url": url or settings.list_url}), redis)
    answer = client.get("/fetch/resource", headers=user)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "10")
    assert answer.get_json()["success"] is False
    assert answer.get_json()["msg"].startswith("the price list's upstream ")
