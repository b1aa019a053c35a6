"""Writes the beginning of a JSON value of any size and depth."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import TypeAlias

CUT = "..."

_Parts: TypeAlias = "Iterator[str | _Parts]"


def excerpt(value: object, length: int) -> str:
    """Return the JSON text of a value in ASCII. If it is longer than `length`, it is cut and ends with `...`.

    Time and memory depend on `length` only: the value's strings may be megabytes long, and its objects nested
    deeper than `json.dumps` can go. Numbers are written whole; `upstream.MAX_NUMBER_CHARACTERS` bounds them.
    """
    text = ""
    pending = [_parts(value, length)]
    while pending and len(text) <= length:
        part = next(pending[-1], None)
        if part is None:
            pending.pop()
        elif isinstance(part, str):
            text += part
        else:
            pending.append(part)
    return text if len(text) <= length else text[: length - len(CUT)] + CUT


def _parts(value: object, length: int) -> _Parts:
    """Yield the text of a value; in place of each member of an object or array, the iterator of its parts."""
    if isinstance(value, dict):
        yield "{"
        for number, (key, member) in enumerate(value.items()):
            yield f"{', ' if number else ''}{_scalar(key, length)}: "
            yield _parts(member, length)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for number, member in enumerate(value):
            yield ", " if number else ""
            yield _parts(member, length)
        yield "]"
    else:
        yield _scalar(value, length)


def _scalar(value: object, length: int) -> str:
    if isinstance(value, str):
        return json.dumps(value[:length])
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(Decimal(value))  # str(int) raises ValueError above 4300 digits
    return json.dumps(value)
