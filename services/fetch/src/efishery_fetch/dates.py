"""Parses a date field of an upstream row (ADR 20)."""

import re
from datetime import UTC, datetime, timedelta, timezone

from efishery_fetch.parsing import parse_number
from servicekit import serialization

# Jakarta has kept UTC+7 without daylight saving since 1964, so no time zone database is needed in the image.
JAKARTA = timezone(timedelta(hours=7), "WIB")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
FUTURE_TOLERANCE = timedelta(days=1)

# As seconds this is the year 5138, as milliseconds 1973: every accepted date has an unambiguous unit.
MILLISECONDS_FROM = 10**11
MAX_EPOCH = 10**15
WHOLE_NUMBER = re.compile(r"[0-9]{1,15}")

MAX_TEXT_LENGTH = 64  # the longest format has 34 characters
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
TIME = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2}):(?P<second>[0-9]{1,2})(?:\.(?P<fraction>[0-9]{1,9}))?"
OFFSET = r"(?P<offset>Z|[+-][0-9]{2}:?[0-5][0-9]Z?)"

# Explicit formats: a lenient parser would read "a" or "10" as a day of this month. Not strptime: its names of
# months depend on the process's locale.
FORMATS = tuple(
    map(
        re.compile,
        (
            # 2020-06-03T11:32:48.719Z, 2022-09-14T14:38:57+07:00Z, 2022-03-10 12:46:54.378, 2022/05/30 11:0:47
            rf"(?P<year>[0-9]{{4}})(?P<separator>[-/])(?P<month>[0-9]{{1,2}})(?P=separator)(?P<day>[0-9]{{1,2}})"
            rf"(?:[T ]{TIME}{OFFSET}?)?",
            # 31/5/2022
            rf"(?P<day>[0-9]{{1,2}})/(?P<month>[0-9]{{1,2}})/(?P<year>[0-9]{{4}})(?: {TIME}{OFFSET}?)?",
            # Wed Jun 03 11:32:48 GMT+07:00 2020, as Java's Date.toString
            rf"[A-Z][a-z]{{2}} (?P<month>{'|'.join(MONTHS)}) (?P<day>[0-9]{{2}}) {TIME} GMT{OFFSET}"
            r" (?P<year>[0-9]{4})",
        ),
    )
)


def parse_moment(value: object, now: datetime) -> datetime | None:
    """Parse epoch seconds, epoch milliseconds or one of `FORMATS`; text without an offset is Jakarta time.

    Returns UTC in whole milliseconds. None for anything else, and for dates before 2000 or more than a day after `now`.
    """
    try:
        moment = _parse(value)
        moment = moment and moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the 31st of April, or after the year 9999
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


def _parse(value: object) -> datetime | None:
    if not isinstance(value, str):
        number = parse_number(value)  # also 1646878500.0 and 1.646878500123e12
        is_epoch = number is not None and 0 <= number < MAX_EPOCH and number == int(number)
        return _from_epoch(int(number)) if number is not None and is_epoch else None
    if len(value) > MAX_TEXT_LENGTH:
        return None
    text = value.strip()
    return _from_epoch(int(text)) if WHOLE_NUMBER.fullmatch(text) else _from_text(text)


def _from_epoch(number: int) -> datetime:
    return from_epoch_milliseconds(number if number >= MILLISECONDS_FROM else number * 1000)


def _from_text(text: str) -> datetime | None:
    for pattern in FORMATS:
        if match := pattern.fullmatch(text):
            part = match.groupdict()
            return datetime(
                int(part["year"]),
                _month(part["month"]),
                int(part["day"]),
                int(part["hour"] or 0),
                int(part["minute"] or 0),
                int(part["second"] or 0),
                int((part["fraction"] or "").ljust(6, "0")[:6]),
                tzinfo=_zone(part["offset"]),
            )
    return None


def _month(text: str) -> int:
    return MONTHS.index(text) + 1 if text in MONTHS else int(text)


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return JAKARTA
    if offset == "Z":
        return UTC
    digits = offset[1:].removesuffix("Z").replace(":", "")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-distance if offset[0] == "-" else distance)
