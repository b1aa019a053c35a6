"""The ways in which rows of the real list are messy, each at its share.

A shape is met in exactly one row of every `every`. None is rarer than one in 100, so that a list of 219 rows
has all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

Row = dict[str, str | None]
Change = Callable[[Row, datetime], None]

JAKARTA: Final = timezone(timedelta(hours=7))
ISO_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Shape:
    """One kind of mess: its name, its share (one row in `every`), and what it does to a row of a moment."""

    name: str
    every: int
    change: Change


def _set(field: str, value: str | None) -> Change:
    return lambda row, _at: row.update({field: value})


def _date(form: str, zone: timezone = UTC) -> Change:
    return lambda row, at: row.update(tgl_parsed=at.astimezone(zone).strftime(form))


def _date_without_zeros(row: Row, at: datetime) -> None:
    row["tgl_parsed"] = f"{at:%Y/%m/%d} {at.hour}:{at.minute}:{at.second}"


def _day_first(row: Row, at: datetime) -> None:
    row["tgl_parsed"] = f"{at.day}/{at.month}/{at.year}"


def _seconds(row: Row, at: datetime) -> None:
    row["timestamp"] = str(int(at.timestamp()))


def _iso_timestamp(row: Row, at: datetime) -> None:
    row["timestamp"] = at.strftime(ISO_FORM)


def _dates_far_apart(row: Row, at: datetime) -> None:
    row["tgl_parsed"] = (at + timedelta(days=40)).strftime(ISO_FORM)


def _last_iso_year(row: Row, _at: datetime) -> None:
    """Sunday 1 January 2023 belongs to week 52 of 2022 (ISO 8601)."""
    at = datetime(2023, 1, 1, 3, 30, tzinfo=UTC)
    row.update(tgl_parsed=at.strftime(ISO_FORM), timestamp=str(int(at.timestamp() * 1000)))


def _swap_places(row: Row, _at: datetime) -> None:
    row["area_provinsi"], row["area_kota"] = row["area_kota"], row["area_provinsi"]


def _change_case(row: Row, _at: datetime) -> None:
    row["area_provinsi"] = (row["area_provinsi"] or "").title()


def _pad_city(row: Row, _at: datetime) -> None:
    row["area_kota"] = f" {row['area_kota'] or ''}"


def _empty(row: Row, _at: datetime) -> None:
    row.update(dict.fromkeys(row))


def _drop_fields(row: Row, _at: datetime) -> None:
    for field in ("area_kota", "price", "tgl_parsed"):
        row.pop(field, None)


SHAPES: Final = (
    Shape("timestamp in seconds", 12, _seconds),
    Shape("tgl_parsed with milliseconds", 15, _date("%Y-%m-%dT%H:%M:%S.719Z")),
    Shape("tgl_parsed in Jakarta's time", 20, _date("%Y-%m-%dT%H:%M:%S+07:00", JAKARTA)),
    Shape("tgl_parsed with an offset without colon", 50, _date("%Y-%m-%dT%H:%M:%S%z", JAKARTA)),
    Shape("tgl_parsed with an offset and Z", 75, _date("%Y-%m-%dT%H:%M:%S+07:00Z", JAKARTA)),
    Shape("tgl_parsed with slashes and no zeros", 75, _date_without_zeros),
    Shape("tgl_parsed day first", 75, _day_first),
    Shape("tgl_parsed with a space", 75, _date("%Y-%m-%d %H:%M:%S.378")),
    Shape("tgl_parsed as Java prints it", 75, _date("%a %b %d %H:%M:%S GMT+07:00 %Y", JAKARTA)),
    Shape("tgl_parsed empty", 50, _set("tgl_parsed", "")),
    Shape("Jakarta's time labelled Z", 25, _date(ISO_FORM, JAKARTA)),
    Shape("dates far apart", 75, _dates_far_apart),
    Shape("last week of the ISO year before", 100, _last_iso_year),
    Shape("timestamp empty", 50, _set("timestamp", "")),
    Shape("timestamp null", 75, _set("timestamp", None)),
    Shape("timestamp as ISO text", 75, _iso_timestamp),
    Shape("price empty", 50, _set("price", "")),
    Shape("price a word", 75, _set("price", "asfd")),
    Shape("price one rupiah", 75, _set("price", "1")),
    Shape("price over 32 bits", 100, _set("price", "122222222222")),
    Shape("price in dollars", 100, _set("price", "$5.03")),
    Shape("size a word", 75, _set("size", "asdf")),
    Shape("size too large", 100, _set("size", "3000")),
    Shape("uuid not one", 100, _set("uuid", "kotlin.random.XorWowRandom@64a9d2f")),
    Shape("uuid of other rows", 60, _set("uuid", "5a3e0b1c-0000-4000-8000-00000000000a")),
    Shape("province null", 15, _set("area_provinsi", None)),
    Shape("city null", 10, _set("area_kota", None)),
    Shape("province one letter", 50, _set("area_provinsi", "a")),
    Shape("province a word", 100, _set("area_provinsi", "asdf")),
    Shape("province in another case", 20, _change_case),
    Shape("city with a space ahead", 30, _pad_city),
    Shape("province and city swapped", 40, _swap_places),
    Shape("fields missing", 100, _drop_fields),
    Shape("every field null", 100, _empty),
)
