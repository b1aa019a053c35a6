"""The list as bytes: cached, or made anew for each request from the cleaned rows."""

import zlib
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import orjson

FOUR_DECIMALS = Decimal("0.0001")
GZIP_LEVEL = 1  # the fastest: compression is part of what this reference does for each request
GZIP_WINDOW = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Representation:
    """The body in one encoding, with its strong ETag (RFC 9110, section 8.8.3)."""

    body: bytes
    etag: str


class Representations(Protocol):
    """What `cached` and `recomputed` make."""

    def __call__(self, *, gzip: bool) -> Representation:
        """Return the list, compressed or not."""


def cached(content: Path) -> Representations:
    """Read the bytes of the service once."""
    etags = orjson.loads((content / "etags.json").read_bytes())
    identity = Representation((content / "body.json").read_bytes(), etags["identity"])
    compressed = Representation((content / "body.json.gz").read_bytes(), etags["gzip"])

    def get(*, gzip: bool) -> Representation:
        return compressed if gzip else identity

    return get


def recomputed(content: Path) -> Representations:
    """Keep the cleaned rows as JSON, as a cache would return them; parse, convert and encode them for each request."""
    rows = (content / "rows.json").read_bytes()
    envelope = orjson.loads((content / "envelope.json").read_bytes())
    rate = Decimal((content / "rate.txt").read_text())

    def get(*, gzip: bool) -> Representation:
        data = [with_dollars(row, rate) for row in orjson.loads(rows)]
        body = orjson.dumps({**envelope, "data": data})
        etag = f'"{sha256(body).hexdigest()[:32]}{"-gzip" if gzip else ""}"'
        return Representation(_compress(body) if gzip else body, etag)

    return get


def with_dollars(row: dict[str, Any], rate: Decimal) -> dict[str, Any]:
    """Add `price_usd` to a row with `price` in rupiah; `rate` is dollars for one rupiah."""
    dollars = (Decimal(str(row["price"])) * rate).quantize(FOUR_DECIMALS, rounding=ROUND_HALF_EVEN)
    return {**row, "price_usd": float(dollars)}


def _compress(body: bytes) -> bytes:
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW)
    return compressor.compress(body) + compressor.flush()
