"""Turns rows of the upstream list into clean rows, or into a reason why not."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from efishery_fetch.dates import epoch_milliseconds, rfc3339, row_moment

FIELDS = ("uuid", "komoditas", "area_provinsi", "area_kota", "size", "price", "tgl_parsed", "timestamp")

# At most two decimals: "20.000" is twenty thousand to an Indonesian and twenty to a parser, so it is neither.
PRICE_TEXT = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,2})?")
SIZE_TEXT = re.compile(r"[0-9]{1,9}")
CENT = Decimal("0.01")


class Reason(StrEnum):
    """Why a row of the upstream list is not served."""

    NOT_AN_OBJECT = "not_an_object"
    EMPTY_ROW = "empty_row"
    MISSING_COMMODITY = "missing_commodity"
    MISSING_PRICE = "missing_price"
    INVALID_PRICE = "invalid_price"
    PRICE_OUT_OF_RANGE = "price_out_of_range"
    DUPLICATE = "duplicate"


class RejectedError(Exception):
    """One row cannot be served, for `reason`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Row:
    """One served price: `price` in rupiah (an int where it is whole), `size` positive, `moment` in UTC."""

    uuid: str | None
    komoditas: str
    area_provinsi: str | None
    area_kota: str | None
    size: int | None
    price: int | Decimal
    moment: datetime | None

    def as_json(self) -> dict[str, object]:
        """Return the row under the upstream's own field names: date as RFC 3339 and as epoch milliseconds."""
        return {
            "uuid": self.uuid,
            "komoditas": self.komoditas,
            "area_provinsi": self.area_provinsi,
            "area_kota": self.area_kota,
            "size": self.size,
            "price": self.price,
            "tgl_parsed": rfc3339(self.moment) if self.moment else None,
            "timestamp": epoch_milliseconds(self.moment) if self.moment else None,
        }


def clean_list(items: Iterable[object], *, max_price: int, now: datetime) -> tuple[tuple[Row, ...], dict[str, int]]:
    """Clean every item; return the rows kept, in the upstream's order, and the number rejected per reason.

    A row is a duplicate when all its cleaned content equals a row already kept. The uuid alone is no
    identity: upstream clients send the likes of `kotlin.random.XorWowRandom@64a9d2f`.
    """
    kept: dict[Row, None] = {}
    rejected: Counter[str] = Counter()
    for item in items:
        try:
            row = clean_row(item, max_price=max_price, now=now)
        except RejectedError as rejection:
            rejected[rejection.reason.value] += 1
            continue
        if row in kept:
            rejected[Reason.DUPLICATE.value] += 1
        kept[row] = None
    return tuple(kept), dict(sorted(rejected.items()))


def clean_row(item: object, *, max_price: int, now: datetime) -> Row:
    """Clean one item of the list.

    Raises:
        RejectedError: with the first reason that applies, in the order of `Reason`.
    """
    if not isinstance(item, dict):
        raise RejectedError(Reason.NOT_AN_OBJECT)
    if all(_is_blank(item.get(field)) for field in FIELDS):
        raise RejectedError(Reason.EMPTY_ROW)
    commodity = _text(item.get("komoditas"))
    if commodity is None:
        raise RejectedError(Reason.MISSING_COMMODITY)
    return Row(
        uuid=_text(item.get("uuid")),
        komoditas=commodity,
        area_provinsi=_place(item.get("area_provinsi")),
        area_kota=_place(item.get("area_kota")),
        size=_size(item.get("size")),
        price=_price(item.get("price"), max_price),
        moment=row_moment(item.get("timestamp"), item.get("tgl_parsed"), now),
    )


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _text(value: object) -> str | None:
    """Return text without outer, doubled or line-breaking space; None where there is none left."""
    if not isinstance(value, str):
        return None
    # JSON can carry half a surrogate pair, which no UTF-8 answer or cache entry can.
    valid = value.encode("utf-8", "replace").decode("utf-8")
    return " ".join(valid.split()) or None


def _place(value: object) -> str | None:
    """Return a province or city in upper case: "Jawa Timur" and "JAWA TIMUR" are one."""
    text = _text(value)
    return text.upper() if text else None


def _size(value: object) -> int | None:
    """Return a positive whole number of up to nine digits, else None: a bad size does not spoil the price."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    return (int(text) or None) if SIZE_TEXT.fullmatch(text) else None


def _price(value: object, max_price: int) -> int | Decimal:
    if _is_blank(value):
        raise RejectedError(Reason.MISSING_PRICE)
    price = _number(value)
    if not 0 < price <= max_price:
        raise RejectedError(Reason.PRICE_OUT_OF_RANGE)
    if price != price.quantize(CENT):
        raise RejectedError(Reason.INVALID_PRICE)
    return int(price) if price == int(price) else price.quantize(CENT)


def _number(value: object) -> Decimal:
    """Return the finite number; a boolean, "$5.03", "asfd" or "NaN" is none."""
    if isinstance(value, str) and PRICE_TEXT.fullmatch(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and Decimal(value).is_finite():
        return Decimal(value)
    raise RejectedError(Reason.INVALID_PRICE)
