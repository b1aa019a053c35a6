"""The cleaned list as one value, and the form of it that Redis keeps."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from efishery_fetch.cleaning import Row, clean_list
from efishery_fetch.dates import epoch_milliseconds, from_epoch_milliseconds, rfc3339

FORM = 1  # raise it when the meaning of the stored form changes: pods of two versions share one cache


class CorruptCatalogueError(ValueError):
    """The stored form is not one of ours, or of another version."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Rows to serve, how many were received, how many rejected per reason, and when (UTC) that was."""

    rows: tuple[Row, ...]
    received: int
    rejected: dict[str, int]
    fetched_at: datetime

    @classmethod
    def clean(cls, items: list[object], *, max_price: int, now: datetime) -> "Catalogue":
        """Clean a list just received; see `clean_list`."""
        rows, rejected = clean_list(items, max_price=max_price, now=now)
        return cls(rows, len(items), rejected, now)

    def meta(self) -> dict[str, object]:
        """Return what every answer made of this list says about it."""
        return {"received": self.received, "rejected": self.rejected, "fetched_at": rfc3339(self.fetched_at)}

    def dumps(self) -> bytes:
        """Return the stored form: JSON, rows as arrays in the order of `Row`'s fields."""
        stored = {
            "form": FORM,
            "received": self.received,
            "rejected": self.rejected,
            "fetched_at": epoch_milliseconds(self.fetched_at),
            "rows": [_pack(row) for row in self.rows],
        }
        return json.dumps(stored, separators=(",", ":")).encode()

    @classmethod
    def loads(cls, stored: bytes | str) -> "Catalogue":
        """Read the stored form.

        Raises:
            CorruptCatalogueError: it cannot be read; ask the upstream instead.
        """
        try:
            record = json.loads(stored)
            if record["form"] != FORM:
                raise CorruptCatalogueError(f"form {record['form']!r}, wanted {FORM}")
            rows = tuple(_unpack(*packed) for packed in record["rows"])
            fetched_at = from_epoch_milliseconds(record["fetched_at"])
            return cls(rows, record["received"], record["rejected"], fetched_at)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            raise CorruptCatalogueError(str(error)) from error


def _pack(row: Row) -> list[object]:
    # Not dataclasses.astuple, which deep-copies every value of every row.
    moment = epoch_milliseconds(row.moment) if row.moment else None
    return [row.uuid, row.komoditas, row.area_provinsi, row.area_kota, row.size, str(row.price), moment]


def _unpack(
    uuid: str | None,
    komoditas: str,
    area_provinsi: str | None,
    area_kota: str | None,
    size: int | None,
    price: str,
    moment: int | None,
) -> Row:
    """Take the items of one stored row; the wrong number of them is a TypeError."""
    return Row(
        uuid=uuid,
        komoditas=komoditas,
        area_provinsi=area_provinsi,
        area_kota=area_kota,
        size=size,
        price=int(price) if price.isdecimal() else Decimal(price),
        moment=None if moment is None else from_epoch_milliseconds(moment),
    )
