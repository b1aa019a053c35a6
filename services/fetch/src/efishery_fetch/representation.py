"""Encoded bodies that requests share, and the HTTP answers made of them without encoding anything again.

A body is kept as it is and gzipped, each with a strong ETag of its own (RFC 9110, section 8.8.3), and its headers are
made once. What is left for a request is to choose one of them.
"""

import gzip
import time
import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from werkzeug.http import parse_accept_header, parse_etags

JSON = "application/json"
CSV = "text/csv; charset=utf-8"
GZIP_LEVEL = 6

# Each use of a stored answer asks whether it is still current (RFC 9111, section 5.2.2.4): a 304 costs less than a
# price that is minutes old. `private`: the answer needs a token, so no shared cache may store it.
CACHE_CONTROL = "private, no-cache"
VARY = "Accept, Accept-Encoding"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the headers without those that differ between requests, and the body."""

    status: int
    status_line: str  # as WSGI wants it: `200 OK` (PEP 3333)
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Coding:
    """One content coding of a body: the answers 200 and 304, and the ETag that decides between them."""

    etag: str
    ok: Answer
    not_modified: Answer


@dataclass(frozen=True, slots=True, eq=False)
class Representation:
    """A body as it is (`identity`) and gzipped, and when (seconds since the epoch) its data was fetched."""

    identity: Coding
    gzip: Coding
    fetched_at: float

    @property
    def gzipped(self) -> bytes:
        """The gzipped body; `decode` makes the representation of it again."""
        return self.gzip.ok.body

    @property
    def size(self) -> int:
        """The bytes of both bodies."""
        return len(self.identity.ok.body) + len(self.gzip.ok.body)

    def age_header(self) -> tuple[str, str]:
        """Return the header `Age`, the seconds since the data was fetched (RFC 9111, section 5.1)."""
        return "Age", str(max(0, int(time.time() - self.fetched_at)))

    def answer(self, accept_encoding: str, if_none_match: str | None) -> Answer:
        """Return 304 if the client has the body that it would get, else 200 with it.

        The arguments are the request headers `Accept-Encoding` ("" if there is none) and `If-None-Match`.
        """
        coding = self.gzip if accepts_gzip(accept_encoding) else self.identity
        if if_none_match is not None and (if_none_match == coding.etag or _matches(if_none_match, coding.etag)):
            return coding.not_modified
        return coding.ok


def encode(body: bytes, fetched_at: datetime, content_type: str = JSON, headers: Headers = ()) -> Representation:
    """Make the representation of a body; `headers` are added to each answer."""
    return _represent(body, gzip.compress(body, GZIP_LEVEL, mtime=0), fetched_at, content_type, headers)


def decode(gzipped: bytes, fetched_at: datetime) -> Representation:
    """Make the representation of a gzipped JSON body. Raises ValueError if it is not gzip."""
    try:
        body = gzip.decompress(gzipped)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"not a gzipped body: {error}") from error
    if not body:
        raise ValueError("not a gzipped body: it is empty")
    return _represent(body, gzipped, fetched_at, JSON, ())


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether a client takes gzip (RFC 9110, section 12.5.3); without the header it gets the body as it is."""
    return parse_accept_header(accept_encoding)["gzip"] > 0


def _matches(if_none_match: str, etag: str) -> bool:
    # The weak comparison of RFC 9110, section 13.1.2: a proxy may have marked the ETag as weak.
    return parse_etags(if_none_match).contains_weak(etag.strip('"'))


def _represent(
    body: bytes, gzipped: bytes, fetched_at: datetime, content_type: str, headers: Headers
) -> Representation:
    digest = sha256(b"\n".join((content_type.encode(), body))).hexdigest()[:32]
    headers = (("Content-Type", content_type), *headers)
    # A strong ETag identifies bytes, so the two codings have different ones.
    return Representation(
        identity=_coding(body, f'"{digest}"', headers),
        gzip=_coding(gzipped, f'"{digest}-gzip"', (("Content-Encoding", "gzip"), *headers)),
        fetched_at=fetched_at.timestamp(),
    )


def _coding(body: bytes, etag: str, content_headers: Headers) -> Coding:
    common = (("ETag", etag), ("Cache-Control", CACHE_CONTROL), ("Vary", VARY))
    length = ("Content-Length", str(len(body)))
    ok = Answer(200, "200 OK", (*content_headers, length, *common), body)
    return Coding(etag, ok, Answer(304, "304 Not Modified", common, b""))
