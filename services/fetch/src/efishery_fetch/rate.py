"""The exchange rate that rate-cron writes to Redis."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from efishery_fetch.clock import Clock
from efishery_fetch.redis_cache import Record, RedisCache

KEY = "rate:IDR:USD"


class CorruptRateError(ValueError):
    """The record is not a rate; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars for one rupiah, with its source and age.

    `as_of` is the provider's date or time of the rate, `fetched_at` (UTC) when rate-cron requested it, and
    `age_seconds` counts from `fetched_at`. A `stale` rate is still used: an old price in dollars is better than none.
    """

    rate: Decimal
    base: str
    quote: str
    as_of: str
    fetched_at: datetime
    source: str
    age_seconds: int
    stale: bool

    def as_json(self) -> dict[str, object]:
        """Return the fields under their own names."""
        return asdict(self)


class RateReader:
    """Reads the rate from Redis; never raises, even if Redis fails or the record is invalid."""

    def __init__(self, redis: RedisCache, clock: Clock, *, stale_after_seconds: int) -> None:
        self._redis = redis
        self._clock = clock
        self._stale_after_seconds = stale_after_seconds

    def read(self) -> Rate | None:
        """Return the current rate, or None when there is no valid one."""
        return self._redis.read(KEY, self._parse)

    def _parse(self, record: Record) -> Rate:
        return parse_rate(record, now=self._clock(), stale_after_seconds=self._stale_after_seconds)


def parse_rate(record: Record, *, now: datetime, stale_after_seconds: int) -> Rate:
    """Parse the JSON record `{"rate", "base", "quote", "as_of", "fetched_at", "source"}`.

    rate-cron defines it in `efishery_rate_cron.rate_record`; `tests/contract/test_rate_record.py` compares the two.

    Raises:
        CorruptRateError: a field is missing or invalid.
    """
    try:
        fields = json.loads(record)
        fetched_at = datetime.fromisoformat(fields["fetched_at"])
        # The clocks of two pods differ a little: a time in the future is age 0.
        age_seconds = max(0, int((now - fetched_at).total_seconds()))
        return Rate(
            rate=_positive(fields["rate"]),
            base=_text(fields["base"]),
            quote=_text(fields["quote"]),
            as_of=_text(fields["as_of"]),
            fetched_at=fetched_at,
            source=_text(fields["source"]),
            age_seconds=age_seconds,
            stale=age_seconds > stale_after_seconds,
        )
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise CorruptRateError(f"{type(error).__name__}: {error}") from error


def _positive(value: object) -> Decimal:
    """Return the rate. One of 1 or more is rejected: it is rupiah per dollar."""
    rate = Decimal(str(value))
    if not rate.is_finite() or not 0 < rate < 1:
        raise CorruptRateError(f"rate {value!r} is not between 0 and 1")
    return rate


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise CorruptRateError(f"{value!r} is not text")
    return value
