"""Pages of a list in the order of ids; each begins after the last id of the one before, so new rows move nothing."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote, urlencode

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
MAX_ID = 2**63 - 1  # of BIGINT
MAX_CURSOR_CHARACTERS = 64

_CURSOR = re.compile(r"[A-Za-z0-9_-]+")
_ID = re.compile(r"[1-9][0-9]{0,18}")


class HasId(Protocol):
    """A row with an id."""

    id: Any


Row = TypeVar("Row", bound=HasId)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of a list, and the id after which the next page begins, None on the last page."""

    rows: Sequence[Row]
    next_after: int | None


def read_page(
    db_session: Session,
    statement: Select[Row],
    column: InstrumentedAttribute[int],
    *,
    limit: int,
    after: int | None,
    newest_first: bool = False,
) -> Page[Row]:
    """Return at most `limit` rows of the statement in the order of `column`, the table's id, beyond `after`.

    One row more is read, to know whether there is another page.
    """
    if after is not None:
        statement = statement.where(column < after if newest_first else column > after)
    ordered = statement.order_by(column.desc() if newest_first else column).limit(limit + 1)
    rows = db_session.scalars(ordered).all()
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def parse_id(text: str) -> int:
    """Return the id that a path or a parameter has. Raises ValueError for what no row can have."""
    if not _ID.fullmatch(text) or int(text) > MAX_ID:
        raise ValueError(f"must be a whole number from 1 to {MAX_ID}")
    return int(text)


def encode_cursor(list_name: str, after: int) -> str:
    """Return the text by which clients ask for the next page; it tells them nothing that they should rely on."""
    return urlsafe_b64encode(f"{list_name}:{after}".encode()).decode().rstrip("=")


def cursor_of(list_name: str) -> Callable[[str], int]:
    """Return a parser of the cursors of one list, which returns the id; it raises ValueError for any other text."""

    def parse(cursor: str) -> int:
        if len(cursor) <= MAX_CURSOR_CHARACTERS and _CURSOR.fullmatch(cursor):
            with suppress(ValueError):  # UnicodeDecodeError and binascii.Error are ones
                name, _, after = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(":")
                if name == list_name:
                    return parse_id(after)
        raise ValueError("is no cursor of this list; take it from meta.next_cursor, or leave it out for the first page")

    return parse


def next_link(path: str, arguments: Iterable[tuple[str, str]], cursor: str) -> str:
    """Return the header `Link` (RFC 8288) of the next page: the request's parameters with another cursor."""
    others = [(name, value) for name, value in arguments if name != "cursor"]
    return f'<{path}?{urlencode([*others, ("cursor", cursor)], quote_via=quote)}>; rel="next"'
