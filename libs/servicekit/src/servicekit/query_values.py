"""Parses values of query parameters that several services take.

A parser raises ValueError with a message that names what is allowed.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

# ASCII digits only: \d and int() also accept those of other scripts, signs and underscores.
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """Return a parser of a whole number within the limits, both included."""

    def parse(value: str) -> int:
        if not _WHOLE_NUMBER.fullmatch(value) or not lowest <= int(value) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(value)

    return parse


def date_time(value: str) -> datetime | None:
    """Return the moment (UTC) of a date-time of RFC 3339, section 5.6; None for any other text."""
    with suppress(ValueError, OverflowError):  # such as 30 February, or before the year 1 once the offset is applied
        if _DATE_TIME.fullmatch(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    return None


def plus_hint(value: str) -> str:
    """Return what to add to the message about a date-time whose offset has lost its plus sign.

    In a query string "+" is a space.
    """
    return "; write the + of an offset as %2B" if " " in value[len("2022-01-31T") :] else ""
