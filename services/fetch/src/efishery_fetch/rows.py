"""A served row, why a row is rejected, and what is repaired (ADR 22)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from efishery_fetch.dates import epoch_milliseconds, rfc3339


class Reason(StrEnum):
    """Why a row is rejected, in the order in which the reasons are checked; `duplicate` is last."""

    NOT_AN_OBJECT = "not_an_object"
    EMPTY_ROW = "empty_row"
    MISSING_COMMODITY = "missing_commodity"
    MISSING_PRICE = "missing_price"
    INVALID_PRICE = "invalid_price"
    PRICE_OUT_OF_RANGE = "price_out_of_range"
    DUPLICATE = "duplicate"


class Repair(StrEnum):
    """What was changed in a served row. A field that is blank or null is absent: leaving it null is no repair."""

    INVALID_UUID = "invalid_uuid"  # null is served; the same for province, city and size
    INVALID_PROVINCE = "invalid_province"
    INVALID_CITY = "invalid_city"
    INVALID_SIZE = "invalid_size"
    INVALID_DATE = "invalid_date"  # a date is given, but neither field has a valid one: null is served
    INVALID_TGL_PARSED = "invalid_tgl_parsed"  # the date is `timestamp`'s
    TGL_PARSED_USED = "tgl_parsed_used"  # `timestamp` is absent or invalid
    DATES_DISAGREE = "dates_disagree"  # both are valid; the date is `timestamp`'s
    PLACES_SWAPPED = "places_swapped"
    TEXT_NORMALIZED = "text_normalized"


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
