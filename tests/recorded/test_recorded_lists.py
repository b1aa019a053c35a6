"""Both recorded lists: every row is served or counted, and rows and aggregate equal an independent computation."""

import json
from dataclasses import astuple
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from flask.testing import FlaskClient

from efishery_fetch.aggregate import aggregate
from efishery_fetch.cleaning import CleanedList, clean_list
from tests.unit.fetch.oracle import MAX_PRICE, Expected, expect, numbers
from tests.unit.fetch.support import Headers

RATE = "0.00006123"
NOW = datetime(2024, 1, 1, tzinfo=UTC)
REJECTED = {
    142: {"duplicate": 3, "invalid_price": 2, "missing_commodity": 3, "missing_price": 2, "price_out_of_range": 1},
    219: {},
}
REPAIRED = {  # counted by hand
    142: {"dates_disagree": 26, "places_swapped": 7, "text_normalized": 6},
    219: {"invalid_province": 9, "text_normalized": 19},
}


@pytest.fixture
def expected(recorded: bytes) -> Expected:
    return expect(json.loads(recorded), Fraction(RATE))


@pytest.fixture
def cleaned(recorded: bytes) -> CleanedList:
    return clean_list(json.loads(recorded), max_price=MAX_PRICE, now=NOW)


def test_the_rows_equal_the_independent_ones(cleaned: CleanedList, expected: Expected) -> None:
    assert [astuple(row) for row in cleaned.rows] == expected.rows
    assert cleaned.rejected == expected.rejected


def test_every_row_is_served_or_counted(cleaned: CleanedList) -> None:
    assert len(cleaned.rows) + sum(cleaned.rejected.values()) == cleaned.received
    assert cleaned.rejected == REJECTED[cleaned.received]
    assert cleaned.repaired == REPAIRED[cleaned.received]
    assert len(cleaned.rejected_rows) == sum(cleaned.rejected.values())


@pytest.mark.parametrize("rate", [None, RATE, "0.000064935064935064935064935065"])
def test_the_groups_equal_the_independent_ones(recorded: bytes, cleaned: CleanedList, rate: str | None) -> None:
    groups, excluded = aggregate(cleaned.rows, Decimal(rate) if rate else None)
    expected = expect(json.loads(recorded), Fraction(rate) if rate else None)
    assert [numbers(group.as_json()) for group in groups] == expected.groups
    assert excluded == expected.excluded
    assert len(groups) > 50


def get(signed_in: tuple[FlaskClient, Headers], path: str) -> dict[str, Any]:
    client, headers = signed_in
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: dict[str, Any] = answer.get_json()
    return body


def test_the_list_is_served(signed_in: tuple[FlaskClient, Headers], expected: Expected) -> None:
    answer = get(signed_in, "/fetch/resource")
    assert answer["meta"]["received"] == answer["meta"]["count"] + sum(answer["meta"]["rejected"].values())
    assert answer["meta"]["rejected"] == expected.rejected
    assert answer["meta"]["count"] == len(answer["data"]) == len(expected.rows)
    for served, (uuid, _, province, city, size, price, moment) in zip(answer["data"], expected.rows, strict=True):
        names = served["uuid"], served["area_provinsi"], served["area_kota"]
        assert names == (uuid, province, city)
        assert (served["price"], served["size"]) == (price, size)
        assert served["price_usd"] == float(round(price * Fraction(RATE), 4))
        assert served["timestamp"] == (moment and moment.value // 10**6)


def test_the_aggregate_is_served(signed_in: tuple[FlaskClient, Headers], expected: Expected) -> None:
    answer = get(signed_in, "/fetch/resource/aggregate")
    assert answer["data"] == json.loads(json.dumps(expected.groups, default=float))
    meta = answer["meta"]
    assert meta["excluded"] == expected.excluded
    assert meta["rows"] + sum(meta["excluded"].values()) == meta["received"] - sum(meta["rejected"].values())
