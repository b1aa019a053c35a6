"""Cleaning and aggregate of 10,000 generated rows equal an independent computation, to the last digit."""

import copy
from collections.abc import Iterator
from dataclasses import astuple
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from efishery_fetch.aggregate import aggregate
from efishery_fetch.cleaning import clean_list
from efishery_sample.generator import generate
from tests.unit.fetch.oracle import MAX_PRICE, expect, numbers

NOW = datetime(2024, 1, 1, tzinfo=UTC)
# Cents make exact halves: a mean of two prices with an odd sum of cents ends with 5 in the third decimal.
PRICES = ("12000.01", "12000.5", "0.25", "0.01", "99999999.99", " 7500 ", "20.000", "100000000.01", "0")


def messy(seed: int, count: int) -> Iterator[Any]:
    """Yield the sample's rows with all its defects, and in some of them prices in cents, duplicates and other types."""
    for number, row in enumerate(generate(seed, count)):
        if number % 7 == 0:
            row["price"] = PRICES[number // 7 % len(PRICES)]
        yield row
        if number % 40 == 0:
            yield row | {"area_provinsi": f" {row.get('area_provinsi') or ''} ".swapcase()}
        if number % 90 == 0:
            yield (None, [], "row", number, True)[number // 90 % 5]


@pytest.mark.parametrize("rate", [None, "0.00006123", "0.000064935064935064935064935065"])
def test_ten_thousand_rows_equal_the_independent_computation(rate: str | None) -> None:
    items = list(messy(seed=12, count=10_000))
    given = copy.deepcopy(items)
    expected = expect(items, Fraction(rate) if rate else None)
    cleaned = clean_list(items, max_price=MAX_PRICE, now=NOW)
    groups, excluded = aggregate(cleaned.rows, Decimal(rate) if rate else None)
    assert cleaned.rejected == expected.rejected
    assert [astuple(row) for row in cleaned.rows] == expected.rows
    assert excluded == expected.excluded
    assert [numbers(group.as_json()) for group in groups] == expected.groups
    assert len(groups) > 250
    assert items == given  # cleaning changes no item in place
