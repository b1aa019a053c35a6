"""The answers of the service: JSON or CSV, encoded once for all requests of a query."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from decimal import Decimal

import orjson

from efishery_fetch import routes
from efishery_fetch.aggregate import Group, Statistics, aggregate
from efishery_fetch.csv_format import encode_csv, flatten
from efishery_fetch.money import price_usd
from efishery_fetch.negotiation import Format
from efishery_fetch.queries import AggregateQuery, ListQuery
from efishery_fetch.query_values import ROW_FIELDS
from efishery_fetch.rate import Rate
from efishery_fetch.rate_history import RateOfDay
from efishery_fetch.representation import CSV, JSON, Headers, Representation, encode
from efishery_fetch.rows import Row
from efishery_fetch.selection import link_header, select, select_for_aggregate
from efishery_fetch.snapshot import Snapshot
from servicekit.envelope import success_object
from servicekit.serialization import to_json

STATISTICS = tuple(each.name for each in fields(Statistics))
GROUP_FIELDS = (
    *("area_provinsi", "iso_year", "iso_week", "week_start"),
    *(f"{value}_{name}" for value in ("price", "price_usd", "size") for name in STATISTICS),
)


def list_answer(snapshot: Snapshot, query: ListQuery) -> Representation:
    """Return the rows that match, with `price_usd`, which is null without a rate."""
    rows, total = select(snapshot.list.rows, query)
    rate = _rate_of(snapshot)
    objects = [_row(row, rate) for row in rows]
    links = link_header(routes.RESOURCE.path, query, total)
    headers = (("Link", links),) if links else ()
    if query.format is Format.CSV:
        return encode(encode_csv(objects, query.fields), snapshot.list.fetched_at, CSV, headers)
    if query.fields != ROW_FIELDS:
        objects = [{field: row[field] for field in query.fields} for row in objects]
    meta = {"count": len(rows), "total": total, **_meta(snapshot)}
    if query.include == "rejected":
        meta["rejected_rows"] = [asdict(row) for row in snapshot.list.cleaned.rejected_rows]
    return _json(snapshot, objects, meta, headers)


def aggregate_answer(snapshot: Snapshot, query: AggregateQuery) -> Representation:
    """Return one group per province and ISO week; `meta.excluded` counts the rows that are in no group."""
    rows = select_for_aggregate(snapshot.list.rows, query)
    groups, excluded = aggregate(rows, _rate_of(snapshot))
    if query.format is Format.CSV:
        cells = (flatten(group.as_json()) for group in groups)
        return encode(encode_csv(cells, GROUP_FIELDS), snapshot.list.fetched_at, CSV)
    counts = {"count": len(groups), "rows": _rows_in(groups), "excluded": excluded}
    return _json(snapshot, [group.as_json() for group in groups], {**counts, **_meta(snapshot)})


def rate_answer(rate: Rate, *, stale: bool) -> Representation:
    """Return the rate with its source."""
    return encode(_dumps(success_object(_rate(rate, stale=stale))), rate.fetched_at)


def history_answer(rate: Rate, history: Sequence[RateOfDay]) -> Representation:
    """Return the last rate of each of the last days, the newest first."""
    days = [day.as_json() for day in history]
    return encode(_dumps(success_object(days, meta={"count": len(days)})), rate.fetched_at)


def _rate_of(snapshot: Snapshot) -> Decimal | None:
    return snapshot.rate.rate if snapshot.rate else None


def _rate(rate: Rate, *, stale: bool) -> dict[str, object]:
    # A stale rate is still used: an old price in dollars is better than none.
    return {**rate.as_json(), "stale": stale}


def _row(row: Row, rate: Decimal | None) -> dict[str, object]:
    return {**row.as_json(), "price_usd": price_usd(row.price, rate) if rate else None}


def _rows_in(groups: Iterable[Group]) -> int:
    return sum(group.price.count for group in groups)


def _meta(snapshot: Snapshot) -> dict[str, object]:
    rate = _rate(snapshot.rate, stale=snapshot.rate_stale) if snapshot.rate else None
    return {**snapshot.list.meta(), "stale": snapshot.list_stale, "rate": rate}


def _json(snapshot: Snapshot, data: object, meta: Mapping[str, object], headers: Headers = ()) -> Representation:
    return encode(_dumps(success_object(data, meta=meta)), snapshot.list.fetched_at, JSON, headers)


def _dumps(value: object) -> bytes:
    return orjson.dumps(value, default=to_json)
