"""Writes rows as CSV (RFC 4180)."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from servicekit.serialization import to_json

# A spreadsheet runs text as a formula if it begins with one of these; an apostrophe makes it text (OWASP: CSV
# Injection; CWE-1236). The last four are the full-width forms, which some locales read as the others.
FORMULA_STARTS = frozenset("=+-@\t\r\n\0＝＋－＠")


def encode_csv(rows: Iterable[Mapping[str, object]], fields: Sequence[str]) -> bytes:
    """Return a header line with `fields` and a line for each row, in UTF-8, with CRLF.

    Numbers, booleans and times are written as in JSON, null and a field that a row lacks as an empty cell. Text that
    a spreadsheet would run as a formula gets an apostrophe before it.

    Raises:
        TypeError: a value is a mapping or sequence; see `flatten`.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(fields)
    writer.writerows([_cell(row.get(field)) for field in fields] for row in rows)
    # Rejected rows may have lone surrogates, which UTF-8 cannot encode.
    return text.getvalue().encode("utf-8", "replace")


def flatten(group: Mapping[str, object]) -> Mapping[str, object]:
    """Return the mapping without nesting: `{"price": {"min": 1}}` becomes `{"price_min": 1}`."""
    return dict(_flat(group, ""))


def _flat(group: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in group.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}_")
        else:
            yield prefix + name, value


def _cell(value: object) -> object:
    match value:
        case str():
            return f"'{value}" if value[:1] in FORMULA_STARTS else value
        case bool():
            return "true" if value else "false"
        case None | int() | float():
            return value
        case _:
            return to_json(value)
