"""Weekly statistics, and their endpoint, which is for admins only."""

import statistics as standard
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from fakeredis import FakeRedis
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from efishery_fetch.aggregate import aggregate, statistics, statistics_usd, summarize
from efishery_fetch.cleaning import Row
from tests.unit.fetch.support import RATE_KEY, Headers, upstream_row

PATH = "/fetch/resource/aggregate"


def row(price: int, moment: datetime | None = None, province: str | None = "BALI", size: int | None = None) -> Row:
    return Row(None, "Lele", province, None, size, price, moment)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "year", "week", "monday"),
    [
        (utc(2022, 1, 1, 4), 2021, 52, "2021-12-27"),
        (utc(2021, 1, 3, 4), 2020, 53, "2020-12-28"),
        (utc(2022, 1, 2, 16, 59, 59), 2021, 52, "2021-12-27"),  # Sunday 23:59:59 in Jakarta
        (utc(2022, 1, 2, 17), 2022, 1, "2022-01-03"),  # Monday 00:00 in Jakarta, still Sunday in UTC
        (utc(2024, 12, 30), 2025, 1, "2024-12-30"),
    ],
)
def test_weeks_are_iso_weeks_in_jakarta(moment: datetime, year: int, week: int, monday: str) -> None:
    groups, _ = aggregate([row(1, moment)], None)
    group = groups[0].as_json()
    assert (group["iso_year"], group["iso_week"], group["week_start"]) == (year, week, monday)


def test_groups_are_sorted_by_province_year_and_week() -> None:
    days = [utc(2022, 3, 10), utc(2021, 12, 9), utc(2022, 2, 3)]
    rows = [row(1, day, province) for province in ("JAWA TIMUR", "ACEH") for day in days]
    groups, _ = aggregate(rows, None)
    assert [tuple(group.key) for group in groups] == [
        ("ACEH", 2021, 49),
        ("ACEH", 2022, 5),
        ("ACEH", 2022, 10),
        ("JAWA TIMUR", 2021, 49),
        ("JAWA TIMUR", 2022, 5),
        ("JAWA TIMUR", 2022, 10),
    ]


def test_excluded_rows_are_counted_by_reason() -> None:
    groups, excluded = aggregate([row(1), row(2, None, None), row(3, utc(2022, 1, 1), None), row(4)], None)
    assert groups == []
    assert excluded == {"no_date": 2, "no_province": 2}


def test_size_counts_only_where_there_is_one() -> None:
    day = utc(2022, 3, 10)
    (group,), _ = aggregate([row(1, day, size=30), row(2, day), row(3, day, size=40)], None)
    assert group.size is not None
    assert (group.price.count, group.size.count, str(group.size.mean)) == (3, 2, "35.00")


def test_no_size_at_all_is_null() -> None:
    (group,), _ = aggregate([row(1, utc(2022, 3, 10))], None)
    assert (group.as_json()["size"], group.as_json()["price_usd"]) == (None, None)


@pytest.mark.parametrize(
    ("values", "mean", "median"),
    [
        ([5], "5.00", "5.00"),
        ([1, 2, 6], "3.00", "2.00"),
        ([1, 2], "1.50", "1.50"),
        ([1, 1, 2], "1.33", "1.00"),
        ([Decimal("0.01"), Decimal("0.02")], "0.02", "0.02"),  # 0.015: half, to even
        ([Decimal("0.02"), Decimal("0.03")], "0.02", "0.02"),  # 0.025: half, to even
    ],
)
def test_mean_and_median_are_rounded_half_to_even(values: list[int | Decimal], mean: str, median: str) -> None:
    found = statistics(summarize(values))
    assert (str(found.mean), str(found.median)) == (mean, median)


@given(st.lists(st.integers(1, 10**8), min_size=1, max_size=50))
def test_agrees_with_the_standard_library(values: list[int]) -> None:
    found = statistics(summarize(values))
    exact = [Fraction(value) for value in values]
    assert (found.count, found.min, found.max) == (len(values), min(values), max(values))
    assert Fraction(found.mean) == round(standard.mean(exact), 2)
    assert Fraction(found.median) == round(standard.median(exact), 2)


def test_dollars_are_rounded_once() -> None:
    # 0.00005 each: their rounded prices are 0.0000, and the mean of those would be too.
    found = statistics_usd(summarize([1, 1, 2]), Decimal("0.00005"))
    assert [str(value) for value in (found.min, found.max, found.mean, found.median)] == [
        "0.0000",  # half, to even
        "0.0001",
        "0.0001",  # 0.0000666…
        "0.0000",
    ]


@given(
    st.lists(st.integers(1, 10**8) | st.decimals("0.01", 10**8, places=2), min_size=1, max_size=20),
    st.decimals("0.00001", "0.9", places=40),
)
def test_dollars_equal_fractions(values: list[int | Decimal], rate: Decimal) -> None:
    found = statistics_usd(summarize(values), rate)
    exact = [Fraction(value) * Fraction(rate) for value in values]
    assert found.count == len(values)
    assert (Fraction(found.min), Fraction(found.max)) == (round(min(exact), 4), round(max(exact), 4))
    assert Fraction(found.mean) == round(standard.mean(exact), 4)
    assert Fraction(found.median) == round(standard.median(exact), 4)


def test_answers_groups_and_excluded_rows(client: FlaskClient, httpserver: HTTPServer, admin: Headers) -> None:
    rows = [
        upstream_row(price="100", size="asdf"),
        upstream_row(price="201", area_provinsi="Jawa Timur"),
        upstream_row(area_provinsi=None),
        upstream_row(timestamp="", tgl_parsed=""),
        upstream_row(price="asfd"),
    ]
    httpserver.expect_request("/commodities").respond_with_json(rows)
    answer = client.get(PATH, headers=admin).get_json()
    assert answer["data"] == [
        {
            "area_provinsi": "JAWA TIMUR",
            "iso_year": 2022,
            "iso_week": 10,
            "week_start": "2022-03-07",
            "price": {"count": 2, "min": 100, "max": 201, "mean": 150.5, "median": 150.5},
            "price_usd": {"count": 2, "min": 0.0061, "max": 0.0123, "mean": 0.0092, "median": 0.0092},
            "size": {"count": 1, "min": 80, "max": 80, "mean": 80, "median": 80},
        }
    ]
    meta = answer["meta"]
    assert len(meta.pop("version")) == 16
    assert meta.pop("rate")["rate"] == 0.00006123
    assert meta == {
        "count": 1,
        "rows": 2,
        "excluded": {"no_date": 1, "no_province": 1},
        "received": 5,
        "rejected": {"invalid_price": 1},
        "repaired": {"invalid_size": 1, "text_normalized": 1},
        "fetched_at": "2022-05-30T08:00:00.000Z",
        "stale": False,
    }


def test_without_a_rate_dollars_are_null(
    client: FlaskClient, httpserver: HTTPServer, redis: FakeRedis, admin: Headers
) -> None:
    redis.delete(RATE_KEY)
    httpserver.expect_request("/commodities").respond_with_json([upstream_row()])
    answer = client.get(PATH, headers=admin).get_json()
    assert (answer["data"][0]["price_usd"], answer["meta"]["rate"]) == (None, None)


def test_is_for_admins_only(client: FlaskClient, user: Headers) -> None:
    assert client.get(PATH).status_code == 401
    answer = client.get(PATH, headers=user)
    assert (answer.status_code, answer.get_json()["status"]) == (403, 403)
