"""GET /fetch/resource."""

import pytest
from fakeredis import FakeRedis
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer

from tests.unit.fetch.support import RATE_KEY, Headers, upstream_row

PATH = "/fetch/resource"


@pytest.fixture
def upstream(httpserver: HTTPServer) -> HTTPServer:
    rows = [upstream_row(), upstream_row(price="$5.03"), {}, upstream_row(price="1", timestamp="", tgl_parsed="")]
    httpserver.expect_request("/commodities").respond_with_json(rows)
    return httpserver


def test_answers_rows_with_dollars(client: FlaskClient, upstream: HTTPServer, user: Headers) -> None:
    answer = client.get(PATH, headers=user)
    assert answer.status_code == 200
    first, second = answer.get_json()["data"]
    assert first == {
        "uuid": "5f2b1c9e-0d3a-4a51-9a55-0b7f2c1d8e11",
        "komoditas": "Lele",
        "area_provinsi": "JAWA TIMUR",
        "area_kota": "KEDIRI",
        "size": 80,
        "price": 21500,
        "tgl_parsed": "2022-03-10T02:15:00.123Z",
        "timestamp": 1646878500123,
        "price_usd": 1.3164,
    }
    assert (second["price_usd"], second["tgl_parsed"], second["timestamp"]) == (0.0001, None, None)


def test_meta_accounts_for_every_row(client: FlaskClient, upstream: HTTPServer, user: Headers) -> None:
    meta = client.get(PATH, headers=user).get_json()["meta"]
    assert meta.pop("rate")["rate"] == 0.00006123
    assert len(meta.pop("version")) == 16
    assert meta == {
        "count": 2,
        "total": 2,
        "received": 4,
        "rejected": {"empty_row": 1, "invalid_price": 1},
        "repaired": {},
        "fetched_at": "2022-05-30T08:00:00.000Z",
        "stale": False,
    }


@pytest.mark.parametrize("record", [None, "not JSON", '{"rate": "-1"}'])
def test_without_a_rate_dollars_are_null(
    client: FlaskClient, upstream: HTTPServer, redis: FakeRedis, user: Headers, record: str | None
) -> None:
    redis.delete(RATE_KEY)
    if record:
        redis.set(RATE_KEY, record)
    answer = client.get(PATH, headers=user)
    assert answer.status_code == 200
    assert answer.get_json()["meta"]["rate"] is None
    assert {row["price_usd"] for row in answer.get_json()["data"]} == {None}


def test_an_empty_list_is_an_answer(client: FlaskClient, httpserver: HTTPServer, user: Headers) -> None:
    httpserver.expect_request("/commodities").respond_with_json([])
    answer = client.get(PATH, headers=user).get_json()
    assert (answer["data"], answer["meta"]["count"], answer["meta"]["received"]) == ([], 0, 0)


def test_needs_a_token(client: FlaskClient, upstream: HTTPServer) -> None:
    answer = client.get(PATH)
    assert (answer.status_code, answer.get_json()["success"]) == (401, False)
