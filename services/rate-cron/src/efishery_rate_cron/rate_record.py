"""The forms in which the rate, its history and the outcomes of the runs are stored in Redis.

fetch reads all three; `tests/contract/test_rate_record.py` compares both sides.

| Key | Type | Content |
|---|---|---|
| `KEY` | string with an expiry | the current rate, a `RateRecord` as JSON |
| `HISTORY_KEY` | hash | the day of `as_of` (YYYY-MM-DD, UTC) → the latest `RateRecord` of that day as JSON |
| `RUNS_KEY` | hash | `written`, `no_provider`, `refused` → number of runs with that outcome |
| | | `LAST_FAILURE` → text, `LAST_FAILURE_AT` → RFC 3339; absent before the first failure |
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, TypedDict

from efishery_rate_cron.providers.base import Quote
from servicekit.serialization import rfc3339

KEY: Final = "rate:IDR:USD"
HISTORY_KEY: Final = f"{KEY}:history"
RUNS_KEY: Final = f"{KEY}:runs"
LAST_FAILURE: Final = "last_failure"
LAST_FAILURE_AT: Final = "last_failure_at"
HISTORY_DAYS: Final = 30  # before the newest day


class CorruptRecordError(ValueError):
    """The text is no `RateRecord`; the message says what is wrong."""


class RateRecord(TypedDict):
    """US dollars for one rupiah; `rate` is decimal text, so that no reader rounds it through a float."""

    rate: str
    base: str
    quote: str
    as_of: str  # YYYY-MM-DD or RFC 3339, of the provider
    fetched_at: str  # RFC 3339
    source: str  # the provider's name


@dataclass(frozen=True)
class HistoryUpdate:
    """What to change in the history: set `day` to `entry`, unless that is None, and delete the fields `delete`."""

    day: str
    entry: str | None
    delete: list[str]


def make_record(quote: Quote, source: str, fetched_at: datetime) -> RateRecord:
    """Make the record; where the provider gives no date, `as_of` is `fetched_at`."""
    fetched = rfc3339(fetched_at)
    return {
        "rate": f"{quote.rate:f}",
        "base": "IDR",
        "quote": "USD",
        "as_of": quote.as_of or fetched,
        "fetched_at": fetched,
        "source": source,
    }


def serialize(record: RateRecord) -> str:
    """Return the record as JSON."""
    return json.dumps(record)


def parse(text: str) -> RateRecord:
    """Parse and check a record; raises CorruptRecordError."""
    try:
        fields = json.loads(text)
        record = RateRecord(
            rate=_text(fields["rate"]),
            base=_text(fields["base"]),
            quote=_text(fields["quote"]),
            as_of=_text(fields["as_of"]),
            fetched_at=_text(fields["fetched_at"]),
            source=_text(fields["source"]),
        )
        _check(record)
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise CorruptRecordError(f"{type(error).__name__}: {error}") from error
    return record


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a field is not text")
    return value


def _check(record: RateRecord) -> None:
    instant(record["as_of"])
    datetime.fromisoformat(record["fetched_at"])
    if not 0 < rate_of(record) < 1:
        raise ValueError("the rate is not between 0 and 1")


def rate_of(record: RateRecord) -> Decimal:
    """Return the rate as a number; raises ArithmeticError."""
    return Decimal(record["rate"])


def instant(as_of: str) -> datetime:
    """Return the time of an `as_of`; raises ValueError.

    A date without a time is the end of that day (UTC): the reference rate of a day is later than those of its hours.
    """
    try:
        return datetime.combine(date.fromisoformat(as_of), time.max, UTC)
    except ValueError:
        moment = datetime.fromisoformat(as_of)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def update_history(stored: Mapping[str, str], record: RateRecord) -> HistoryUpdate:
    """Compute the change of the history that `record` makes: at most `HISTORY_DAYS` + 1 days remain.

    Each day keeps the record with the latest `as_of`; of two with the same, the one written last. So a provider that
    lags may fill a missing day, but replaces nothing newer. Entries that are corrupt, or of a day to come, are deleted.
    """
    latest = latest_day(datetime.fromisoformat(record["fetched_at"])).isoformat()
    entries = {day: entry for day, text in stored.items() if day <= latest and (entry := _entry(day, text))}
    day = _day(record)
    if day not in entries or instant(entries[day]["as_of"]) <= instant(record["as_of"]):
        entries[day] = record
    oldest = (date.fromisoformat(max(entries)) - timedelta(days=HISTORY_DAYS)).isoformat()
    kept = {day for day in entries if day >= oldest}
    changed = day in kept and entries[day] is record
    return HistoryUpdate(day, serialize(record) if changed else None, [day for day in stored if day not in kept])


def latest_day(now: datetime) -> date:
    """Return the last day that a rate can be of: tomorrow in UTC, which has begun in the east."""
    return (now.astimezone(UTC) + timedelta(days=1)).date()


def _day(record: RateRecord) -> str:
    return instant(record["as_of"]).date().isoformat()


def _entry(day: str, text: str) -> RateRecord | None:
    """Return the record of a day of the history, or None if it is corrupt or of another day."""
    try:
        record = parse(text)
    except CorruptRecordError:
        return None
    return record if _day(record) == day else None
