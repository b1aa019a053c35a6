"""The cleaned list with its time and version, and its serialized form in Redis."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from efishery_fetch.cleaning import CleanedList, Reason, RejectedRow, Row, clean_list
from efishery_fetch.dates import epoch_milliseconds, from_epoch_milliseconds, rfc3339

FORMAT_VERSION = 4  # increase it when the stored fields change; it is part of the key in Redis (`list_keys`)
VERSION_LENGTH = 16


class CorruptCatalogueError(ValueError):
    """The record cannot be parsed."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The cleaned list, when (UTC) it was fetched, and its version: 16 hexadecimal digits.

    Two lists have the same version if they have the same content, also in two processes. `upstream_etag` is the `ETag`
    of the upstream's answer, if it had one.
    """

    cleaned: CleanedList
    fetched_at: datetime
    version: str
    upstream_etag: str | None = None

    @classmethod
    def clean(cls, items: list[object], *, max_price: int, now: datetime, etag: str | None = None) -> "Catalogue":
        """Clean the items of an upstream answer; see `clean_list`."""
        return cls.of(clean_list(items, max_price=max_price, now=now), fetched_at=now, etag=etag)

    @classmethod
    def of(cls, cleaned: CleanedList, *, fetched_at: datetime, etag: str | None = None) -> "Catalogue":
        """Make the catalogue of a cleaned list."""
        version = sha256(_dumps(_pack(cleaned))).hexdigest()[:VERSION_LENGTH]
        return cls(cleaned, fetched_at, version, etag)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows to serve."""
        return self.cleaned.rows

    def meta(self) -> dict[str, object]:
        """Return the part of `meta` that every answer based on this list has."""
        return {
            "received": self.cleaned.received,
            "rejected": self.cleaned.rejected,
            "repaired": self.cleaned.repaired,
            "version": self.version,
            "fetched_at": rfc3339(self.fetched_at),
        }

    def dumps(self) -> bytes:
        """Serialize to JSON; each row is an array in the order of `Row`'s fields."""
        header = {
            "version": self.version,
            "fetched_at": epoch_milliseconds(self.fetched_at),
            "upstream_etag": self.upstream_etag,
        }
        return _dumps({**header, **_pack(self.cleaned)})

    @classmethod
    def loads(cls, stored: bytes | str) -> "Catalogue":
        """Parse what `dumps` wrote.

        Raises:
            CorruptCatalogueError: treat the record as missing and fetch the list again.
        """
        try:
            record = json.loads(stored)
            fetched_at = from_epoch_milliseconds(record["fetched_at"])
            return cls(_unpack(record), fetched_at, record["version"], record["upstream_etag"])
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            raise CorruptCatalogueError(str(error)) from error


def _dumps(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _pack(cleaned: CleanedList) -> dict[str, object]:
    return {
        "received": cleaned.received,
        "rejected": cleaned.rejected,
        "repaired": cleaned.repaired,
        "rejected_rows": [[row.index, row.reason.value, row.item] for row in cleaned.rejected_rows],
        "rows": [_pack_row(row) for row in cleaned.rows],
    }


def _unpack(record: dict[str, Any]) -> CleanedList:
    return CleanedList(
        rows=tuple(_unpack_row(*packed) for packed in record["rows"]),
        received=record["received"],
        rejected=record["rejected"],
        repaired=record["repaired"],
        rejected_rows=tuple(RejectedRow(index, Reason(why), item) for index, why, item in record["rejected_rows"]),
    )


def _pack_row(row: Row) -> list[object]:
    # dataclasses.astuple would deep-copy every value of every row.
    moment = epoch_milliseconds(row.moment) if row.moment else None
    return [row.uuid, row.komoditas, row.area_provinsi, row.area_kota, row.size, str(row.price), moment]


def _unpack_row(
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
