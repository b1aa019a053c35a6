"""Converts rupiah to dollars, and divides, with exact arithmetic that rounds once (ADR 21)."""

from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, localcontext

# The default context rounds each result to 28 digits, and the rounding to decimals would be a second one.
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)

# Four decimals: the cheapest prices are a few cents or less, which rounding to cents would distort.
USD_DECIMALS = 4
USD_STEP = Decimal(1).scaleb(-USD_DECIMALS)


def price_usd(price_idr: int | Decimal, idr_usd: Decimal) -> Decimal:
    """Return the price in dollars, rounded half to even to four decimals.

    `idr_usd` is US dollars for one rupiah.
    """
    return EXACT.multiply(price_idr, idr_usd).quantize(USD_STEP, ROUND_HALF_EVEN, EXACT)


def rounded_quotient(total: int | Decimal, count: int, decimals: int) -> Decimal:
    """Return `total / count`, rounded half to even to `decimals` decimals; neither number is negative."""
    with localcontext(EXACT):
        # Not Decimal's division: most quotients have no end, so it would round before the decimals are cut.
        quotient, rest = divmod(total * 10**decimals, count)
        is_above_half = 2 * rest > count or (2 * rest == count and quotient % 2 == 1)
        return Decimal(quotient + is_above_half).scaleb(-decimals)
