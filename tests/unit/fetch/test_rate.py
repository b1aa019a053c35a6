"""The exchange rate in Redis, and GET /fetch/rate."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from fakeredis import FakeRedis, FakeServer
from flask.testing import FlaskClient

from efishery_fetch.rate import CorruptRateError, Rate, parse_rate
from tests.unit.fetch.support import NOW, RATE_KEY, RATE_RECORD, Headers

PATH = "/fetch/rate"


def parse(**changes: object) -> Rate:
    record = json.loads(RATE_RECORD) | changes
    return parse_rate(json.dumps(record).encode())


def test_reads_what_rate_cron_writes() -> None:
    assert parse() == Rate(
        rate=Decimal("0.00006123"),
        base="IDR",
        quote="USD",
        as_of="2022-05-30",
        fetched_at=NOW - timedelta(minutes=5),
        source="frankfurter",
    )


@pytest.mark.parametrize(("fetched", "age"), [(-300, 300), (0, 0), (2, 0)])
def test_the_age_counts_from_the_fetch_and_is_not_negative(fetched: int, age: int) -> None:
    rate = parse(fetched_at=(NOW + timedelta(seconds=fetched)).isoformat())
    assert rate.age(NOW) == timedelta(seconds=age)


@pytest.mark.parametrize("rate", ["", "asdf", "0", "-0.1", "NaN", "Infinity", "16330", "1E+999999", None, True, []])
def test_a_rate_that_is_no_rate_is_corrupt(rate: object) -> None:
    with pytest.raises(CorruptRateError):
        parse(rate=rate)


@pytest.mark.usefixtures("no_garbage_collection")
def test_json_nested_without_end_is_corrupt() -> None:
    with pytest.raises(CorruptRateError):
        parse_rate(b"[" * 100_000)


@pytest.mark.parametrize("fetched_at", ["", "yesterday", "2022-05-30T07:55:00", None, 1653897600])
def test_a_time_that_is_none_is_corrupt(fetched_at: object) -> None:
    with pytest.raises(CorruptRateError):
        parse(fetched_at=fetched_at)


@pytest.mark.parametrize("record", ["", "{", "null", "[]", "{}", "7"])
def test_another_record_is_corrupt(record: str) -> None:
    with pytest.raises(CorruptRateError):
        parse_rate(record.encode())


def test_answers_the_rate(client: FlaskClient, user: Headers) -> None:
    answer = client.get(PATH, headers=user)
    assert answer.status_code == 200
    assert answer.get_json()["data"] == {
        "rate": 0.00006123,
        "base": "IDR",
        "quote": "USD",
        "as_of": "2022-05-30",
        "fetched_at": "2022-05-30T07:55:00Z",
        "source": "frankfurter",
        "stale": False,
    }


@pytest.mark.parametrize("record", [None, "not JSON", b"\xff"])
def test_answers_503_while_there_is_none(
    client: FlaskClient, redis: FakeRedis, user: Headers, record: str | bytes | None
) -> None:
    redis.delete(RATE_KEY)
    if record:
        redis.set(RATE_KEY, record)
    answer = client.get(PATH, headers=user)
    assert (answer.status_code, answer.get_json()["status"]) == (503, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_a_lone_surrogate_does_not_reach_the_answer() -> None:
    assert parse_rate(RATE_RECORD.replace("frankfurter", "\\ud800").encode()).source == "?"


def test_answers_503_while_redis_is_unavailable(client: FlaskClient, redis_server: FakeServer, user: Headers) -> None:
    redis_server.connected = False
    assert client.get(PATH, headers=user).status_code == 503


def test_needs_a_token(client: FlaskClient) -> None:
    assert client.get(PATH).status_code == 401
