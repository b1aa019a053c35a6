"""Dollars are exact to four decimals."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efishery_fetch.money import price_usd, rounded_quotient


@pytest.mark.parametrize(
    ("price", "rate", "dollars"),
    [
        (53000, "0.00006123", "3.2452"),  # 3.24519
        (1, "0.00006123", "0.0001"),
        (1, "0.00005", "0.0000"),  # half, to even
        (1, "0.00015", "0.0002"),  # half, to even
        (Decimal("0.50"), "0.00006", "0.0000"),
        (100_000_000, "0.00006123", "6123.0000"),
        (1, "0.00005000000000000000000000000000000000001", "0.0001"),  # above half, in the 41st decimal
        (1, "1E-999999999", "0.0000"),
    ],
)
def test_rounds_half_to_even_to_four_decimals(price: int | Decimal, rate: str, dollars: str) -> None:
    assert str(price_usd(price, Decimal(rate))) == dollars


@given(st.integers(1, 10**8) | st.decimals("0.01", 10**8, places=2), st.decimals("0.000001", "0.001", places=40))
def test_equals_exact_arithmetic(price: int | Decimal, rate: Decimal) -> None:
    assert Fraction(price_usd(price, rate)) == round(Fraction(price) * Fraction(rate), 4)


@pytest.mark.parametrize(
    ("total", "count", "quotient"),
    [
        (7, 1, "7.00"),
        (1, 8, "0.12"),  # 0.125: half, to even
        (3, 8, "0.38"),  # 0.375: half, to even
        (1, 3, "0.33"),
        (2, 3, "0.67"),
        (Decimal("0.03"), 2, "0.02"),
        (Decimal("0.0250000000000000000000000000000001"), 1, "0.03"),
        (10**40 + 1, 1, f"1{'0' * 39}1.00"),
    ],
)
def test_a_quotient_is_rounded_half_to_even(total: int | Decimal, count: int, quotient: str) -> None:
    assert str(rounded_quotient(total, count, 2)) == quotient


@given(st.integers(0, 10**40) | st.decimals(0, 10**9, places=30), st.integers(1, 10**6), st.integers(0, 6))
def test_a_quotient_equals_exact_arithmetic(total: int | Decimal, count: int, decimals: int) -> None:
    exact = Fraction(total) / count
    assert Fraction(rounded_quotient(total, count, decimals)) == round(exact, decimals)
