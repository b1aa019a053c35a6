"""The JSON bodies of the service's answers."""

from decimal import Decimal

import orjson

from efishery_fetch.aggregate import aggregate
from efishery_fetch.money import price_usd
from efishery_fetch.rate import Rate
from efishery_fetch.rows import Row
from efishery_fetch.snapshot import Snapshot
from servicekit.envelope import success_object
from servicekit.serialization import to_json


def list_body(snapshot: Snapshot) -> bytes:
    """Return every row with `price_usd`, which is null without a rate."""
    rows = snapshot.list.rows
    rate = snapshot.rate.rate if snapshot.rate else None
    return _dump([_row(row, rate) for row in rows], {"count": len(rows), **_meta(snapshot)})


def aggregate_body(snapshot: Snapshot) -> bytes:
    """Return one group per province and ISO week; `meta.excluded` counts the rows that are in no group."""
    groups, excluded = aggregate(snapshot.list.rows, snapshot.rate.rate if snapshot.rate else None)
    counts = {"count": len(groups), "rows": sum(group.price.count for group in groups), "excluded": excluded}
    return _dump([group.as_json() for group in groups], {**counts, **_meta(snapshot)})


def rate_body(rate: Rate, *, stale: bool) -> bytes:
    """Return the rate with its source."""
    return _dump(rate.as_json(stale=stale))


def _row(row: Row, rate: Decimal | None) -> dict[str, object]:
    return {**row.as_json(), "price_usd": price_usd(row.price, rate) if rate else None}


def _meta(snapshot: Snapshot) -> dict[str, object]:
    rate = snapshot.rate.as_json(stale=snapshot.rate_stale) if snapshot.rate else None
    return {**snapshot.list.meta(), "stale": snapshot.list_stale, "rate": rate}


def _dump(data: object, meta: dict[str, object] | None = None) -> bytes:
    return orjson.dumps(success_object(data, meta=meta), default=to_json)
