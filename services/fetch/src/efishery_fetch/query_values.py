"""Parses the values of query parameters. Each parser raises ValueError with a message that names what is allowed."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import NamedTuple, TypeVar

from efishery_fetch.cleaning import FIELDS
from efishery_fetch.dates import JAKARTA
from efishery_fetch.parsing import parse_text
from servicekit.query_values import date_time, plus_hint

ROW_FIELDS = (*FIELDS, "price_usd")
MAX_VALUES = 20  # of one parameter, whether it is repeated or its values are separated by commas
MAX_CHARACTERS = 100  # of one value

# ASCII digits only: \d, int() and Decimal() also accept those of other scripts, signs, underscores and exponents.
PRICE = re.compile(r"[0-9]{1,15}(\.[0-9]{1,2})?")
WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# Fields that are derived from another one, so that both have the same order: prices are multiplied by a positive
# rate, and `tgl_parsed` and `timestamp` are one moment.
SAME_ORDER = {"price_usd": "price", "tgl_parsed": "timestamp"}

T = TypeVar("T")


class SortKey(NamedTuple):
    """A field of `ROW_FIELDS` except the keys of `SAME_ORDER`, and the direction."""

    field: str
    descending: bool = False

    def __str__(self) -> str:
        """Return the key as it is written in a query."""
        return f"-{self.field}" if self.descending else self.field


class Week(NamedTuple):
    """An ISO 8601 week."""

    iso_year: int
    iso_week: int


def single(parse: Callable[[str], T]) -> Callable[[list[str]], T]:
    """Return a parser of a parameter that has one value."""
    return lambda values: parse(_bounded(_only(values)))


def any_of(parse: Callable[[str], T]) -> Callable[[list[str]], frozenset[T]]:
    """Return a parser of a parameter that may be repeated."""
    return lambda values: frozenset(parse(_bounded(value)) for value in _limited(values))


def name(value: str) -> str:
    """Return a name of a place or commodity as rows are compared: upper case, single spaces, none invisible."""
    text = (parse_text(value) or "").upper()
    if not text:
        raise ValueError("must not be empty; leave the parameter out to get all")
    return text


def price(value: str) -> Decimal:
    """Parse rupiah, with at most two decimals."""
    if not PRICE.fullmatch(value):
        raise ValueError("must be rupiah as digits with at most two decimals, such as 20000 or 20000.50")
    return Decimal(value)


def earliest(value: str) -> datetime:
    """Parse a date or date-time of RFC 3339 (UTC); a date is its first moment in Jakarta."""
    return _moment(value, time.min)


def latest(value: str) -> datetime:
    """Parse a date or date-time of RFC 3339 (UTC); a date is its last microsecond in Jakarta."""
    return _moment(value, time.max)


def week(value: str) -> Week:
    """Parse a week of ISO 8601, which its year must have."""
    if match := WEEK.fullmatch(value):
        found = Week(int(match[1]), int(match[2]))
        with suppress(ValueError):  # year 0, or week 53 of a year of 52
            date.fromisocalendar(*found, 1)
            return found
    raise ValueError("must be a week of ISO 8601 that its year has, such as 2022-W07")


def sort_keys(values: list[str]) -> tuple[SortKey, ...]:
    """Parse one value: field names separated by commas, each with `-` before it for descending order.

    Of several keys with the same order the first decides, so the others are left out.
    """
    keys: dict[str, SortKey] = {}
    for key in _split(values):
        field = _one_of(ROW_FIELDS, key.removeprefix("-"))
        field = SAME_ORDER.get(field, field)
        keys.setdefault(field, SortKey(field, key.startswith("-")))
    return tuple(keys.values())


def fields(values: list[str]) -> tuple[str, ...]:
    """Parse one value: field names separated by commas; a repeated one is left out."""
    return tuple(dict.fromkeys(_one_of(ROW_FIELDS, field) for field in _split(values)))


def choice(choices: Mapping[str, T]) -> Callable[[str], T]:
    """Return a parser of the keys of `choices`, which are case-sensitive."""
    return lambda value: choices[_one_of(choices, value)]


def _only(values: list[str]) -> str:
    if len(values) > 1:
        raise ValueError(f"has {len(values)} values; give it once")
    return values[0]


def _split(values: list[str]) -> list[str]:
    return _limited(_only(values).split(","))


def _limited(values: list[str]) -> list[str]:
    if len(values) > MAX_VALUES:
        raise ValueError(f"has {len(values)} values; give at most {MAX_VALUES}")
    return values


def _bounded(value: str) -> str:
    if len(value) > MAX_CHARACTERS:
        raise ValueError(f"has {len(value)} characters; give at most {MAX_CHARACTERS}")
    return value


def _one_of(allowed: Iterable[str], value: str) -> str:
    if _bounded(value) not in allowed:
        raise ValueError(f"has the unknown value {value!r}; allowed: {', '.join(allowed)}")
    return value


def _moment(value: str, time_of_date: time) -> datetime:
    with suppress(ValueError, OverflowError):  # such as 2022-02-30
        if DATE.fullmatch(value):
            return datetime.combine(date.fromisoformat(value), time_of_date, JAKARTA).astimezone(UTC)
    found = date_time(value)
    if found is not None:
        return found
    raise ValueError(
        f"must be a date or date-time of RFC 3339, such as 2022-01-31 or 2022-01-31T08:00:00Z{plus_hint(value)}"
    )
