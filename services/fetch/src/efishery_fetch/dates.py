"""Parses the two date fields of an upstream row and chooses one (ADR 20)."""

import re
from datetime import UTC, datetime, timedelta, timezone

from servicekit import serialization

# Jakarta has kept UTC+7 without daylight saving since 1964, so no time zone database is needed in the image.
JAKARTA = timezone(timedelta(hours=7), "WIB")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
FUTURE_TOLERANCE = timedelta(days=1)

# As seconds this is the year 5138, as milliseconds 1973: every accepted date has an unambiguous unit.
MILLISECONDS_FROM = 10**11

WHOLE_NUMBER = re.compile(r"[0-9]{1,15}")

# Explicit formats: a lenient parser would read "a" or "10" as a day of this month.
FORMATS = (
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%dT%H:%M:%S%zZ",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%a %b %d %H:%M:%S GMT%z %Y",
)


def row_moment(timestamp: object, tgl_parsed: object, now: datetime) -> datetime | None:
    """Return when a row was recorded (UTC, whole milliseconds), or None if neither field is valid.

    A valid `timestamp` takes precedence over `tgl_parsed`.
    """
    return parse_moment(timestamp, now) or parse_moment(tgl_parsed, now)


def parse_moment(value: object, now: datetime) -> datetime | None:
    """Parse epoch seconds, epoch milliseconds or one of `FORMATS`; text without an offset is Jakarta time.

    Returns None for anything else, and for dates before 2000 or more than a day after `now`.
    """
    text = str(value).strip() if isinstance(value, str | int) else ""
    try:
        moment = _from_epoch(int(text)) if WHOLE_NUMBER.fullmatch(text) else _from_text(text)
        moment = moment and moment.astimezone(UTC)
    except OverflowError:  # after the year 9999, or before year 1 once the offset is applied
        return None
    if moment is None or not EARLIEST <= moment <= now + FUTURE_TOLERANCE:
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def epoch_milliseconds(moment: datetime) -> int:
    """Return milliseconds since the epoch, exactly (`datetime.timestamp` is a float)."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def from_epoch_milliseconds(milliseconds: int) -> datetime:
    """Return the UTC moment; the inverse of `epoch_milliseconds`."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def rfc3339(moment: datetime) -> str:
    """Write a UTC moment as RFC 3339 with milliseconds, as `2020-06-03T11:32:48.719Z`."""
    return serialization.rfc3339(moment, timespec="milliseconds")


def _from_epoch(number: int) -> datetime:
    return from_epoch_milliseconds(number if number >= MILLISECONDS_FROM else number * 1000)


def _from_text(text: str) -> datetime | None:
    for pattern in FORMATS:
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 -- the next line adds a missing zone
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=JAKARTA)
    return None
