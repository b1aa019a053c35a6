"""JSON encoding of Decimal, date and datetime."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flask.json.provider import DefaultJSONProvider


def rfc3339(moment: datetime, timespec: str = "auto") -> str:
    """Format an aware datetime in UTC as RFC 3339, section 5.6: `2026-01-31T08:00:00Z`.

    `timespec` is passed to `datetime.isoformat`; "auto" writes microseconds if there are any.
    """
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def to_json(value: Any) -> Any:  # noqa: ANN401 -- the signature that json.dumps asks of `default`
    """Encode a Decimal as a number and a date or time as text; raise TypeError for other types."""
    if isinstance(value, Decimal):
        # repr(float) is the shortest text that identifies the float, so up to 15 digits are unchanged.
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


class JSONProvider(DefaultJSONProvider):
    """Flask's JSON provider with `to_json`, and keys in insertion order."""

    default = staticmethod(to_json)
    sort_keys = False
