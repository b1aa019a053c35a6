"""The cleaned list, and its serialized form in Redis."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from efishery_fetch.cleaning import Row, clean_list
from efishery_fetch.dates import epoch_milliseconds, from_epoch_milliseconds, rfc3339

FORMAT_VERSION = 2  # increase it when the stored fields change: pods of two releases share one cache


class CorruptCatalogueError(ValueError):
    """The record cannot be parsed, or has another format version."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The rows to serve, how many were received, how many rejected per reason, and when (UTC) they were fetched."""

    rows: tuple[Row, ...]
    received: int
    rejected: dict[str, int]
    fetched_at: datetime
    version: str = ""
    upstream_etag: str | None = None

    @classmethod
    def clean(cls, items: list[object], *, max_price: int, now: datetime, etag: str | None = None) -> "Catalogue":
        """Clean the items of an upstream answer; see `clean_list`."""
        rows, rejected = clean_list(items, max_price=max_price, now=now)
        return cls(rows, len(items), rejected, now)

    def meta(self) -> dict[str, object]:
        """Return the part of `meta` that every answer based on this list has."""
        return {"received": self.received, "rejected": self.rejected, "fetched_at": rfc3339(self.fetched_at)}

    def dumps(self) -> bytes:
        """Serialize to JSON; each row is an array in the order of `Row`'s fields."""
        stored = {
            "format": FORMAT_VERSION,
            "received": self.received,
            "rejected": self.rejected,
            "fetched_at": epoch_milliseconds(self.fetched_at),
            "rows": [_pack(row) for row in self.rows],
        }
        return json.dumps(stored, separators=(",", ":")).encode()

    @classmethod
    def loads(cls, stored: bytes | str) -> "Catalogue":
        """Parse what `dumps` wrote.

        Raises:
            CorruptCatalogueError: treat the record as missing and fetch the list again.
        """
        try:
            record = json.loads(stored)
            if record["format"] != FORMAT_VERSION:
                raise CorruptCatalogueError(f"format {record['format']!r}, expected {FORMAT_VERSION}")
            rows = tuple(_unpack(*packed) for packed in record["rows"])
            fetched_at = from_epoch_milliseconds(record["fetched_at"])
            return cls(rows, record["received"], record["rejected"], fetched_at)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            raise CorruptCatalogueError(str(error)) from error


def _pack(row: Row) -> list[object]:
    # dataclasses.astuple would deep-copy every value of every row.
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
    """Build a row from its array, passed as arguments: a wrong length raises TypeError."""
    return Row(
        uuid=uuid,
        komoditas=komoditas,
        area_provinsi=area_provinsi,
        area_kota=area_kota,
        size=size,
        price=int(price) if price.isdecimal() else Decimal(price),
        moment=None if moment is None else from_epoch_milliseconds(moment),
    )
