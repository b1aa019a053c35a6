"""Cleans rows of the upstream list, or rejects them with a reason (ADR 22)."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from efishery_fetch.dates import epoch_milliseconds, rfc3339, row_moment

FIELDS = ("uuid", "komoditas", "area_provinsi", "area_kota", "size", "price", "tgl_parsed", "timestamp")

# At most two decimals: "20.000" means twenty thousand in Indonesia and twenty to a parser, so it is rejected.
PRICE_TEXT = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,2})?")
SIZE_TEXT = re.compile(r"[0-9]{1,9}")
CENT = Decimal("0.01")


class Reason(StrEnum):
    """Why a row is rejected, in the order in which the reasons are checked; `duplicate` is last."""

    NOT_AN_OBJECT = "not_an_object"
    EMPTY_ROW = "empty_row"
    MISSING_COMMODITY = "missing_commodity"
    MISSING_PRICE = "missing_price"
    INVALID_PRICE = "invalid_price"
    PRICE_OUT_OF_RANGE = "price_out_of_range"
    DUPLICATE = "duplicate"


class RejectedError(Exception):
    """A row is rejected for `reason`."""

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
        """Return the upstream's field names: `tgl_parsed` as RFC 3339, `timestamp` as epoch milliseconds."""
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
    """Clean every item; return the accepted rows, in the upstream's order, and the number rejected per reason.

    A row is a duplicate if its cleaned content equals that of an earlier row. The uuid alone does not identify a
    row: clients of the upstream send values like `kotlin.random.XorWowRandom@64a9d2f`.
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
    """Return text with each run of white space replaced by one space and none at the ends; None if nothing is left."""
    if not isinstance(value, str):
        return None
    # JSON can contain a lone surrogate, which cannot be encoded as UTF-8.
    valid = value.encode("utf-8", "replace").decode("utf-8")
    return " ".join(valid.split()) or None


def _place(value: object) -> str | None:
    """Return a province or city in upper case, so that "Jawa Timur" and "JAWA TIMUR" are equal."""
    text = _text(value)
    return text.upper() if text else None


def _size(value: object) -> int | None:
    """Return a positive whole number of up to nine digits, else None: a row with an invalid size is still served."""
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
    """Return a finite number; reject a boolean, "$5.03", "asfd" or "NaN"."""
    if isinstance(value, str) and PRICE_TEXT.fullmatch(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and Decimal(value).is_finite():
        return Decimal(value)
    raise RejectedError(Reason.INVALID_PRICE)
