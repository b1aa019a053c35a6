"""The history of the rate and the counters of rate-cron's runs, as Redis has them."""

from datetime import date, timedelta

import pytest
from fakeredis import FakeRedis
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from pytest_httpserver import HTTPServer

from efishery_fetch.rate_history import HISTORY_KEY, MAX_DAYS, RUNS_KEY, parse_history, parse_runs
from tests.unit.fetch.support import RATE_RECORD, Headers, refresh_snapshot, upstream_row

TODAY = date(2022, 5, 30)


def history(*days: date) -> dict[bytes, bytes]:
    return {f"{day}".encode(): RATE_RECORD.replace("2022-05-30", f"{day}").encode() for day in days}


def test_the_newest_day_is_first_and_corrupt_entries_are_left_out() -> None:
    record = RATE_RECORD.encode()
    fields = history(TODAY - timedelta(2), TODAY) | {b"2022-05-29": b"{}", b"yesterday": record, b"\xff": record}
    assert [each.day for each in parse_history(fields)] == [TODAY, TODAY - timedelta(2)]


def test_more_days_than_a_month_are_cut() -> None:
    fields = history(*(TODAY - timedelta(days) for days in range(100)))
    assert len(parse_history(fields)) == MAX_DAYS


def test_only_the_30_days_before_the_newest_are_kept() -> None:
    fields = history(TODAY, TODAY - timedelta(30), TODAY - timedelta(31))
    assert [each.day for each in parse_history(fields)] == [TODAY, TODAY - timedelta(30)]


def test_an_entry_of_another_day_than_its_rate_is_left_out() -> None:
    fields = history(TODAY) | {b"2022-05-29": RATE_RECORD.encode()}
    assert [each.day for each in parse_history(fields)] == [TODAY]


@pytest.mark.parametrize("as_of", ["2022-05-29T23:30:00-02:00", "2022-05-30T00:00:00Z"])
def test_the_day_of_a_time_is_that_in_utc(as_of: str) -> None:
    record = RATE_RECORD.replace('"as_of": "2022-05-30"', f'"as_of": "{as_of}"').encode()
    assert [each.day for each in parse_history({b"2022-05-30": record, b"2022-05-29": record})] == [TODAY]


@pytest.mark.parametrize("as_of", ["", "yesterday", "0001-01-01T00:00:00+12:00"])
def test_an_as_of_that_is_no_time_is_left_out(as_of: str) -> None:
    record = RATE_RECORD.replace('"as_of": "2022-05-30"', f'"as_of": "{as_of}"').encode()
    assert parse_history({b"2022-05-30": record}) == ()


def test_missing_outcomes_are_zero_and_others_ignored() -> None:
    runs = parse_runs({b"written": b"7", b"last_failure": b"text"})
    assert runs == {"written": 7, "no_provider": 0, "refused": 0}


@pytest.mark.parametrize("count", [b"", b"many", b"\xff", b"-1", b"9" * 400, b"9" * 5000])
def test_a_count_that_is_none_is_an_error(count: bytes) -> None:
    with pytest.raises(ValueError, match=r"invalid|Exceeds|is not a count"):
        parse_runs({b"written": count})


def test_answers_the_history(client: FlaskClient, redis: FakeRedis, user: Headers) -> None:
    redis.hset(HISTORY_KEY, "2022-05-30", RATE_RECORD)
    answer = client.get("/fetch/rate/history", headers=user)
    assert answer.get_json()["data"] == [
        {
            "date": "2022-05-30",
            "rate": 0.00006123,
            "base": "IDR",
            "quote": "USD",
            "as_of": "2022-05-30",
            "fetched_at": "2022-05-30T07:55:00Z",
            "source": "frankfurter",
        }
    ]


def test_runs_that_are_no_numbers_do_not_stop_the_list(
    client: FlaskClient, httpserver: HTTPServer, redis: FakeRedis, user: Headers
) -> None:
    httpserver.expect_request("/commodities").respond_with_json([upstream_row()])
    redis.hset(RUNS_KEY, "written", "9" * 400)  # more than a float can hold
    assert client.get("/fetch/resource", headers=user).get_json()["meta"]["count"] == 1


def test_runs_are_exported(client: FlaskClient, redis: FakeRedis) -> None:
    redis.hset(RUNS_KEY, "refused", 3)
    refresh_snapshot(client)
    assert REGISTRY.get_sample_value("fetch_rate_cron_runs", {"outcome": "refused"}) == 3
