"""Cleans the upstream list: each row is served, with its repairs counted, or rejected with a reason (ADR 22)."""

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from efishery_fetch.dates import parse_moment
from efishery_fetch.excerpt import excerpt
from efishery_fetch.money import EXACT
from efishery_fetch.parsing import is_blank, parse_name, parse_number, parse_size, parse_text
from efishery_fetch.places import are_swapped
from efishery_fetch.rows import Reason, Repair, Row

__all__ = ["CleanedList", "Reason", "RejectedError", "RejectedRow", "Repair", "Row", "clean_list", "clean_row"]

FIELDS = ("uuid", "komoditas", "area_provinsi", "area_kota", "size", "price", "tgl_parsed", "timestamp")
# Increase it with each change of a rule: of what `clean_list`, or the parser of the upstream's JSON, makes of the same
# answer. Lists that were cleaned by other rules are then not taken from Redis.
CLEANING_VERSION = 1
CENT = Decimal("0.01")
DATE_TOLERANCE = timedelta(seconds=1)  # in most rows `tgl_parsed` is in whole seconds and `timestamp` is not
MAX_REJECTED_ROWS = 1000
MAX_ITEM_LENGTH = 500

T = TypeVar("T")
Item = Mapping[str, Any]


class RejectedError(Exception):
    """A row is rejected for `reason`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A rejected item: its position in the upstream's array, from 0, and its JSON text (ASCII, see `excerpt`)."""

    index: int
    reason: Reason
    item: str


@dataclass(frozen=True, slots=True)
class CleanedList:
    """The rows to serve, in the upstream's order, and what became of the others.

    `received` is `len(rows)` plus the sum of `rejected`, which counts rows per `Reason`. `repaired` counts served rows
    per `Repair`; a row may have several. `rejected_rows` has the first `MAX_REJECTED_ROWS` rejected rows only.
    """

    rows: tuple[Row, ...]
    received: int
    rejected: dict[str, int]
    repaired: dict[str, int]
    rejected_rows: tuple[RejectedRow, ...]


def clean_list(items: Sequence[object], *, max_price: int, now: datetime) -> CleanedList:
    """Clean every item; `max_price` is in rupiah. No item makes it raise.

    A row is a duplicate if its cleaned content equals that of an earlier row. The uuid alone does not identify a
    row: clients of the upstream send values like `kotlin.random.XorWowRandom@64a9d2f`.
    """
    kept: dict[Row, None] = {}
    rejected: Counter[str] = Counter()
    repaired: Counter[str] = Counter()
    rejected_rows: list[RejectedRow] = []
    for index, item in enumerate(items):
        try:
            row, repairs = clean_row(item, max_price=max_price, now=now)
            _check_is_new(row, kept)
        except RejectedError as rejection:
            rejected[rejection.reason.value] += 1
            if len(rejected_rows) < MAX_REJECTED_ROWS:
                rejected_rows.append(RejectedRow(index, rejection.reason, excerpt(item, MAX_ITEM_LENGTH)))
        else:
            kept[row] = None
            repaired.update(repair.value for repair in repairs)
    counts = dict(sorted(rejected.items())), dict(sorted(repaired.items()))
    return CleanedList(tuple(kept), len(items), *counts, tuple(rejected_rows))


def clean_row(item: object, *, max_price: int, now: datetime) -> tuple[Row, set[Repair]]:
    """Clean one item of the list; return the row and what was changed. Dates more than a day after `now` are invalid.

    Raises:
        RejectedError: with the first reason that applies, in the order of `Reason`.
    """
    if not isinstance(item, dict):
        raise RejectedError(Reason.NOT_AN_OBJECT)
    if all(is_blank(item.get(field)) for field in FIELDS):
        raise RejectedError(Reason.EMPTY_ROW)
    repairs: set[Repair] = set()
    commodity = _commodity(item, repairs)
    price = _price(item.get("price"), max_price)
    uuid = _text(item, "uuid", parse_text, Repair.INVALID_UUID, repairs)
    province, city = _places(item, repairs)
    size = _optional(item, "size", parse_size, Repair.INVALID_SIZE, repairs)
    return Row(uuid, commodity, province, city, size, price, _moment(item, now, repairs)), repairs


def _check_is_new(row: Row, kept: Container[Row]) -> None:
    if row in kept:
        raise RejectedError(Reason.DUPLICATE)


def _optional(
    item: Item, field: str, parse: Callable[[object], T | None], invalid: Repair, repairs: set[Repair]
) -> T | None:
    """Return the parsed value; None if it is absent or invalid, for a row without it is still served."""
    value = parse(item.get(field))
    if value is None and not is_blank(item.get(field)):
        repairs.add(invalid)
    return value


def _text(
    item: Item, field: str, parse: Callable[[object], str | None], invalid: Repair, repairs: set[Repair]
) -> str | None:
    text = _optional(item, field, parse, invalid, repairs)
    if text not in (None, item.get(field)):
        repairs.add(Repair.TEXT_NORMALIZED)
    return text


def _commodity(item: Item, repairs: set[Repair]) -> str:
    commodity = parse_text(item.get("komoditas"))
    if commodity is None:
        raise RejectedError(Reason.MISSING_COMMODITY)
    if commodity != item["komoditas"]:
        repairs.add(Repair.TEXT_NORMALIZED)
    return commodity


def _places(item: Item, repairs: set[Repair]) -> tuple[str | None, str | None]:
    province = _text(item, "area_provinsi", parse_name, Repair.INVALID_PROVINCE, repairs)
    city = _text(item, "area_kota", parse_name, Repair.INVALID_CITY, repairs)
    if are_swapped(province, city):
        repairs.add(Repair.PLACES_SWAPPED)
        return city, province
    return province, city


def _price(value: object, max_price: int) -> int | Decimal:
    if is_blank(value):
        raise RejectedError(Reason.MISSING_PRICE)
    price = parse_number(value)
    if price is None:
        raise RejectedError(Reason.INVALID_PRICE)
    if not 0 < price <= max_price:
        raise RejectedError(Reason.PRICE_OUT_OF_RANGE)
    cents = price.quantize(CENT, context=EXACT)
    if price != cents:
        raise RejectedError(Reason.INVALID_PRICE)
    return int(price) if price == int(price) else cents


def _moment(item: Item, now: datetime, repairs: set[Repair]) -> datetime | None:
    """Return the date of `timestamp`, else that of `tgl_parsed`, else None (ADR 20)."""
    fields = item.get("timestamp"), item.get("tgl_parsed")
    timestamp, tgl_parsed = (parse_moment(field, now) for field in fields)
    if timestamp is None and tgl_parsed is None:
        if not all(map(is_blank, fields)):
            repairs.add(Repair.INVALID_DATE)
    elif timestamp is None:
        repairs.add(Repair.TGL_PARSED_USED)
    elif tgl_parsed is None:
        if not is_blank(fields[1]):
            repairs.add(Repair.INVALID_TGL_PARSED)
    elif abs(timestamp - tgl_parsed) > DATE_TOLERANCE:
        repairs.add(Repair.DATES_DISAGREE)
    return timestamp or tgl_parsed
