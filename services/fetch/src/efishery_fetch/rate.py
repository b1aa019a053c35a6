"""The exchange rate that rate-cron writes to Redis."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from efishery_fetch.redis_cache import Record
from servicekit.serialization import rfc3339

KEY = "rate:IDR:USD"


class CorruptRateError(ValueError):
    """The record is not a rate; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars for one rupiah, and its source.

    `as_of` is the provider's date or time of the rate, `fetched_at` (UTC) when rate-cron requested it.
    """

    rate: Decimal
    base: str
    quote: str
    as_of: str
    fetched_at: datetime
    source: str

    def age(self, now: datetime) -> timedelta:
        """Return the time since rate-cron requested it; 0 for a time in the future: clocks of pods differ a little."""
        return max(timedelta(0), now - self.fetched_at)

    def as_json(self) -> dict[str, object]:
        """Return the JSON object."""
        return {
            "rate": self.rate,
            "base": self.base,
            "quote": self.quote,
            "as_of": self.as_of,
            "fetched_at": rfc3339(self.fetched_at),
            "source": self.source,
        }


def parse_rate(record: Record) -> Rate:
    """Parse the JSON record `{"rate", "base", "quote", "as_of", "fetched_at", "source"}`.

    rate-cron defines it in `efishery_rate_cron.rate_record`; `tests/contract/test_rate_record.py` compares the two.

    Raises:
        CorruptRateError: a field is missing or invalid.
    """
    try:
        fields = json.loads(record)
        return Rate(
            rate=_positive(fields["rate"]),
            base=_text(fields["base"]),
            quote=_text(fields["quote"]),
            as_of=_text(fields["as_of"]),
            fetched_at=_moment(fields["fetched_at"]),
            source=_text(fields["source"]),
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
    return value.encode("utf-8", "replace").decode()  # JSON can contain a lone surrogate, which has no UTF-8 form


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise CorruptRateError(f"{value!r} has no time zone")
    return moment
