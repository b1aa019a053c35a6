"""Dollars are exact to four decimals."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efishery_fetch.money import price_usd


@pytest.mark.parametrize(
    ("price", "rate", "dollars"),
    [
        (53000, "0.00006123", "3.2452"),  # 3.24519
        (1, "0.00006123", "0.0001"),
        (1, "0.00005", "0.0000"),  # half, to even
        (1, "0.00015", "0.0002"),  # half, to even
        (Decimal("0.50"), "0.00006", "0.0000"),
        (100_000_000, "0.00006123", "6123.0000"),
    ],
)
def test_rounds_half_to_even_to_four_decimals(price: int | Decimal, rate: str, dollars: str) -> None:
    assert str(price_usd(price, Decimal(rate))) == dollars


@given(st.integers(1, 10**8), st.decimals("0.000001", "0.001", places=10))
def test_equals_exact_arithmetic(price: int, rate: Decimal) -> None:
    assert Fraction(price_usd(price, rate)) == round(Fraction(price) * Fraction(rate), 4)
