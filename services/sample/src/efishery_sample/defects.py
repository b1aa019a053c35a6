"""The defects that rows of the real list have, each with its frequency.

A defect is in exactly one of every `every` rows. None is rarer than one in 100, so that a list of 219 rows has all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

Row = dict[str, str | None]
Change = Callable[[Row, datetime], None]

JAKARTA: Final = timezone(timedelta(hours=7))
ISO_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Defect:
    """A kind of defect: its name, its frequency (one row in `every`), and the change it makes to a row and its date."""

    name: str
    every: int
    change: Change


def _set(field: str, value: str | None) -> Change:
    return lambda row, _at: row.update({field: value})


def _date(date_format: str, zone: timezone = UTC) -> Change:
    return lambda row, at: row.update(tgl_parsed=at.astimezone(zone).strftime(date_format))


def _date_without_zeros(row: Row, at: datetime) -> None:
    row["tgl_parsed"] = f"{at:%Y/%m/%d} {at.hour}:{at.minute}:{at.second}"


def _day_first(row: Row, at: datetime) -> None:
    row["tgl_parsed"] = f"{at.day}/{at.month}/{at.year}"


def _seconds(row: Row, at: datetime) -> None:
    row["timestamp"] = str(int(at.timestamp()))


def _iso_timestamp(row: Row, at: datetime) -> None:
    row["timestamp"] = at.strftime(ISO_FORMAT)


def _dates_far_apart(row: Row, at: datetime) -> None:
    row["tgl_parsed"] = (at + timedelta(days=40)).strftime(ISO_FORMAT)


def _last_iso_year(row: Row, _at: datetime) -> None:
    """Set Sunday 1 January 2023, which is in week 52 of 2022 (ISO 8601)."""
    at = datetime(2023, 1, 1, 3, 30, tzinfo=UTC)
    row.update(tgl_parsed=at.strftime(ISO_FORMAT), timestamp=str(int(at.timestamp() * 1000)))


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


DEFECTS: Final = (
    Defect("timestamp in seconds", 12, _seconds),
    Defect("tgl_parsed with milliseconds", 15, _date("%Y-%m-%dT%H:%M:%S.719Z")),
    Defect("tgl_parsed in Jakarta time", 20, _date("%Y-%m-%dT%H:%M:%S+07:00", JAKARTA)),
    Defect("tgl_parsed with an offset without a colon", 50, _date("%Y-%m-%dT%H:%M:%S%z", JAKARTA)),
    Defect("tgl_parsed with an offset and Z", 75, _date("%Y-%m-%dT%H:%M:%S+07:00Z", JAKARTA)),
    Defect("tgl_parsed with slashes and no leading zeros", 75, _date_without_zeros),
    Defect("tgl_parsed day first", 75, _day_first),
    Defect("tgl_parsed with a space", 75, _date("%Y-%m-%d %H:%M:%S.378")),
    Defect("tgl_parsed as Java's Date.toString", 75, _date("%a %b %d %H:%M:%S GMT+07:00 %Y", JAKARTA)),
    Defect("tgl_parsed empty", 50, _set("tgl_parsed", "")),
    Defect("Jakarta time labelled Z", 25, _date(ISO_FORMAT, JAKARTA)),
    Defect("dates far apart", 75, _dates_far_apart),
    Defect("last week of the previous ISO year", 100, _last_iso_year),
    Defect("timestamp empty", 50, _set("timestamp", "")),
    Defect("timestamp null", 75, _set("timestamp", None)),
    Defect("timestamp as ISO text", 75, _iso_timestamp),
    Defect("price empty", 50, _set("price", "")),
    Defect("price is a word", 75, _set("price", "asfd")),
    Defect("price one rupiah", 75, _set("price", "1")),
    Defect("price over 32 bits", 100, _set("price", "122222222222")),
    Defect("price in dollars", 100, _set("price", "$5.03")),
    Defect("size is a word", 75, _set("size", "asdf")),
    Defect("size too large", 100, _set("size", "3000")),
    Defect("uuid that is not a UUID", 100, _set("uuid", "kotlin.random.XorWowRandom@64a9d2f")),
    Defect("uuid shared by rows", 60, _set("uuid", "5a3e0b1c-0000-4000-8000-00000000000a")),
    Defect("province null", 15, _set("area_provinsi", None)),
    Defect("city null", 10, _set("area_kota", None)),
    Defect("province is one letter", 50, _set("area_provinsi", "a")),
    Defect("province is a word", 100, _set("area_provinsi", "asdf")),
    Defect("province in another case", 20, _change_case),
    Defect("city with a leading space", 30, _pad_city),
    Defect("province and city swapped", 40, _swap_places),
    Defect("fields missing", 100, _drop_fields),
    Defect("every field null", 100, _empty),
)
