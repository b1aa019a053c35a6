"""How values that JSON does not know are written."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flask.json.provider import DefaultJSONProvider


def rfc3339(moment: datetime, timespec: str = "auto") -> str:
    """Write an aware datetime in UTC as RFC 3339, section 5.6, as in `2026-01-31T08:00:00Z`.

    `timespec` is that of `datetime.isoformat`: how many digits of a second, by default as many as there are.
    """
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def to_json(value: Any) -> Any:  # noqa: ANN401 -- the signature that json.dumps asks of `default`
    """Turn a Decimal into a number and a time into text; raise TypeError for what has no JSON form."""
    if isinstance(value, Decimal):
        # A float prints the shortest digits that mean it, so up to 15 digits come out as they were.
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


class JSONProvider(DefaultJSONProvider):
    """Flask's JSON with our forms, keys in the order that they were written."""

    default = staticmethod(to_json)
    sort_keys = False
