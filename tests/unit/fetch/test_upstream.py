"""However the upstream fails, the client gets an envelope that says so and when to come back."""

from decimal import Decimal

import pytest
from pytest_httpserver import HTTPServer

from efishery_fetch.upstream import fetch_items
from servicekit.errors import BadGateway, ServiceError, Unavailable
from servicekit.http import Session


@pytest.fixture
def session() -> Session:
    return Session(0.5, "efishery-fetch")


def answer(session: Session, httpserver: HTTPServer, body: bytes, status: int = 200) -> list[object]:
    httpserver.expect_request("/list").respond_with_data(body, status)
    return fetch_items(session, httpserver.url_for("/list"))


def failure(session: Session, httpserver: HTTPServer, body: bytes, status: int = 200) -> ServiceError:
    with pytest.raises(ServiceError) as failed:
        answer(session, httpserver, body, status)
    assert failed.value.headers == {"Retry-After": "10"}
    return failed.value


def test_numbers_with_a_fraction_are_exact(session: Session, httpserver: HTTPServer) -> None:
    assert answer(session, httpserver, b'[{"price": 0.1}, 5]') == [{"price": Decimal("0.1")}, 5]


@pytest.mark.parametrize("number", [b"9" * 5000, b"1e99999999999999999999", b"NaN", b"-Infinity"])
def test_no_number_spoils_the_list(session: Session, httpserver: HTTPServer, number: bytes) -> None:
    items = answer(session, httpserver, b"[" + number + b"]")
    assert items == [number.decode()]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1, 2", b"\xff\xfe\xfd", b"[" * 100_000])
def test_what_is_no_json_is_a_bad_gateway(session: Session, httpserver: HTTPServer, body: bytes) -> None:
    failed = failure(session, httpserver, body)
    assert (failed.status, failed.msg) == (
        502,
        "the commodity list's upstream answered with something that is not JSON",
    )


@pytest.mark.parametrize("body", [b"{}", b"null", b'"list"', b"7"])
def test_what_is_no_array_is_a_bad_gateway(session: Session, httpserver: HTTPServer, body: bytes) -> None:
    failed = failure(session, httpserver, body)
    assert isinstance(failed, BadGateway)
    assert failed.msg.endswith("wanted an array")


@pytest.mark.parametrize("status", [204, 401, 404, 500])
def test_another_status_is_a_bad_gateway(session: Session, httpserver: HTTPServer, status: int) -> None:
    failed = failure(session, httpserver, b"[]" if status != 204 else b"", status)
    assert (failed.status, failed.msg) == (502, f"the commodity list's upstream answered with status {status}")


def test_an_upstream_that_cannot_be_reached_is_unavailable(session: Session) -> None:
    with pytest.raises(Unavailable) as failed:
        fetch_items(session, "http://127.0.0.1:9/list")
    assert failed.value.headers == {"Retry-After": "10"}
