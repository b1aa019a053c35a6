"""The exchange rate that rate-cron leaves in Redis."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from efishery_fetch.clock import Clock
from efishery_fetch.store import Store

KEY = "rate:IDR:USD"


class CorruptRateError(ValueError):
    """The record is not a rate; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one rupiah costs in dollars, of which day, from whom, and how old our knowledge is.

    `as_of` is the provider's own date or time, `fetched_at` (UTC) when we asked. A rate older than the limit
    is `stale` and used all the same: an old price in dollars helps more than none.
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


class RateSource:
    """Reads the rate; never raises, whatever state Redis or the record is in."""

    def __init__(self, store: Store, clock: Clock, *, stale_after_seconds: int) -> None:
        self._store = store
        self._clock = clock
        self._stale_after_seconds = stale_after_seconds

    def read(self) -> Rate | None:
        """Return the present rate, or None when there is no readable one."""
        return self._store.read(KEY, self._parse)

    def _parse(self, record: bytes | str) -> Rate:
        return parse_rate(record, now=self._clock(), stale_after_seconds=self._stale_after_seconds)


def parse_rate(record: bytes | str, *, now: datetime, stale_after_seconds: int) -> Rate:
    """Read the JSON record `{"rate", "base", "quote", "as_of", "fetched_at", "source"}`.

    Raises:
        CorruptRateError: it is something else.
    """
    try:
        fields = json.loads(record)
        fetched_at = datetime.fromisoformat(fields["fetched_at"])
        # Two clocks may differ: a rate from the future is a new one.
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
    """Return the rate; above one dollar for one rupiah it is surely upside down."""
    rate = Decimal(str(value))
    if not rate.is_finite() or not 0 < rate < 1:
        raise CorruptRateError(f"rate {value!r} is not between 0 and 1")
    return rate


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise CorruptRateError(f"{value!r} is not text")
    return value
