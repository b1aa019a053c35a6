"""Converts rupiah to dollars with Decimal arithmetic (ADR 21)."""

from decimal import ROUND_HALF_EVEN, Decimal

# Four decimals: the cheapest prices are a few cents or less, which rounding to cents would distort.
FOUR_DECIMALS = Decimal("0.0001")


def price_usd(price_idr: int | Decimal, idr_usd: Decimal) -> Decimal:
    """Return the price in dollars, rounded half to even to four decimals.

    `idr_usd` is US dollars for one rupiah.
    """
    return (price_idr * idr_usd).quantize(FOUR_DECIMALS, rounding=ROUND_HALF_EVEN)
