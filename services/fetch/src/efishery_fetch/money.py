"""Rupiah to dollars, in Decimal from end to end; see `docs/adr/0021-money-is-decimal.md`."""

from decimal import ROUND_HALF_EVEN, Decimal

# A kilogram of the cheapest fish is some hundredths of a dollar, so whole cents would lose most of it.
USD_STEP = Decimal("0.0001")


def price_usd(price_idr: int | Decimal, idr_usd: Decimal) -> Decimal:
    """Return the price in dollars, rounded half to even to four decimals.

    `idr_usd` is what one rupiah costs in dollars.
    """
    return (price_idr * idr_usd).quantize(USD_STEP, rounding=ROUND_HALF_EVEN)
