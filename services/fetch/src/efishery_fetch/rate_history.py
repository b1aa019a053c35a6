"""What rate-cron stores beside the rate: the last rate of each day, and how its runs ended.

rate-cron defines both in `efishery_rate_cron.rate_record`; `tests/contract/test_rate_record.py` compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from efishery_fetch.rate import KEY, CorruptRateError, Rate, parse_rate

HISTORY_KEY = f"{KEY}:history"
RUNS_KEY = f"{KEY}:runs"
MAX_DAYS = 31
OUTCOMES = ("written", "no_provider", "refused")

Fields = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class RateOfDay:
    """The last rate of a day (UTC)."""

    day: date
    rate: Rate

    def as_json(self) -> dict[str, object]:
        """Return the JSON object; `date` as YYYY-MM-DD."""
        return {"date": self.day.isoformat(), **self.rate.as_json()}


def parse_history(fields: Fields) -> tuple[RateOfDay, ...]:
    """Return the newest day of the hash and those of the 30 days before it, the newest first.

    An entry is left out if it is corrupt, or its day is not the day of its rate.
    """
    days = filter(None, (_day(name, record) for name, record in fields.items()))
    newest_first = sorted(days, key=lambda each: each.day, reverse=True)
    return tuple(each for each in newest_first if newest_first[0].day - each.day < timedelta(MAX_DAYS))


def parse_runs(fields: Fields) -> dict[str, int]:
    """Return the number of runs by outcome. Raises ValueError for what HINCRBY cannot write: it counts in 64 bits."""
    return {outcome: _count(fields.get(outcome.encode(), b"0")) for outcome in OUTCOMES}


def _count(text: bytes) -> int:
    count = int(text)
    if not 0 <= count < 2**63:
        raise ValueError(f"{count} is not a count")
    return count


def _day(name: bytes, record: bytes) -> RateOfDay | None:
    try:
        day, rate = date.fromisoformat(name.decode()), parse_rate(record)
        return RateOfDay(day, rate) if _day_of(rate.as_of) == day else None
    except (CorruptRateError, ValueError, OverflowError):
        return None


def _day_of(as_of: str) -> date:
    """Return the day (UTC) of a date or a time."""
    moment = datetime.fromisoformat(as_of)
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
