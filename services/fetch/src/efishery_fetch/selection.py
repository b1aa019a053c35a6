"""Applies a query to the rows: filters, order, pages (ADR 24)."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from efishery_fetch.cleaning import Row
from efishery_fetch.dates import JAKARTA
from efishery_fetch.queries import AggregateQuery, ListQuery
from efishery_fetch.query_values import SortKey, Week
from servicekit.serialization import rfc3339

Predicate = Callable[[Row], bool]

# The value that a sort key compares. Places are in upper case already; commodities are as the upstream writes them.
SORT_VALUES: dict[str, Callable[[Row], Any]] = {
    "uuid": lambda row: row.uuid,
    "komoditas": lambda row: row.komoditas.upper(),
    "area_provinsi": lambda row: row.area_provinsi,
    "area_kota": lambda row: row.area_kota,
    "size": lambda row: row.size,
    "price": lambda row: row.price,
    "timestamp": lambda row: row.moment,
}


def select(rows: Sequence[Row], query: ListQuery) -> tuple[list[Row], int]:
    """Return the rows of the page, in the order asked for, and how many rows the filters match on all pages."""
    matching = _filtered(rows, list(_list_predicates(query)))
    ordered = _ordered(matching, query.sort)
    end = None if query.limit is None else query.offset + query.limit
    return ordered[query.offset : end], len(ordered)


def select_for_aggregate(rows: Iterable[Row], query: AggregateQuery) -> list[Row]:
    """Return the rows that match; with a limit of weeks, none without a date."""
    return _filtered(rows, list(_aggregate_predicates(query)))


def link_header(path: str, query: ListQuery, total: int) -> str | None:
    """Return the value of the header `Link` (RFC 8288) with first, prev, next and last page, or None without pages.

    `total` is the number of matching rows. There is no prev on the first page and no next on the last. The targets
    are relative to the request's URL and have all parameters of the query, and always the format: a client may send
    another `Accept` with the next request.
    """
    if query.limit is None:
        return None
    last = max(0, total - 1) // query.limit * query.limit
    offsets = {"first": 0}
    if query.offset > 0:
        offsets["prev"] = max(0, min(query.offset - query.limit, last))
    if query.offset + query.limit < total:
        offsets["next"] = query.offset + query.limit
    offsets["last"] = last
    links = {relation: _target(path, query, offset) for relation, offset in offsets.items()}
    return ", ".join(f'<{target}>; rel="{relation}"' for relation, target in links.items())


def _list_predicates(query: ListQuery) -> Iterator[Predicate]:
    province, city, commodity = query.province, query.city, query.commodity
    price_min, price_max, date_from, date_to = query.price_min, query.price_max, query.date_from, query.date_to
    if province:
        yield lambda row: row.area_provinsi in province
    if city:
        yield lambda row: row.area_kota in city
    if commodity:
        yield lambda row: row.komoditas.upper() in commodity
    if price_min is not None:
        yield lambda row: row.price >= price_min
    if price_max is not None:
        yield lambda row: row.price <= price_max
    if date_from is not None:
        yield lambda row: row.moment is not None and row.moment >= date_from
    if date_to is not None:
        yield lambda row: row.moment is not None and row.moment <= date_to


def _aggregate_predicates(query: AggregateQuery) -> Iterator[Predicate]:
    yield from _list_predicates(ListQuery(province=query.province, commodity=query.commodity))
    week_from, week_to = query.week_from, query.week_to
    if week_from is not None:
        yield lambda row: row.moment is not None and _week(row.moment) >= week_from
    if week_to is not None:
        yield lambda row: row.moment is not None and _week(row.moment) <= week_to


def _week(moment: datetime) -> Week:
    year, week, _ = moment.astimezone(JAKARTA).isocalendar()
    return Week(year, week)


def _filtered(rows: Iterable[Row], predicates: Sequence[Predicate]) -> list[Row]:
    for predicate in predicates:
        rows = filter(predicate, rows)
    return list(rows)


def _ordered(rows: list[Row], keys: Sequence[SortKey]) -> list[Row]:
    """Sort by the last key first: sorting is stable, with `reverse` too. Null is last in both directions."""
    for field, descending in reversed(keys):
        value = SORT_VALUES[field]
        present = [row for row in rows if value(row) is not None]
        missing = [row for row in rows if value(row) is None]
        rows = sorted(present, key=value, reverse=descending) + missing
    return rows


def _target(path: str, query: ListQuery, offset: int) -> str:
    arguments = [*_arguments(query), ("offset", str(offset))]
    return f"{path}?{urlencode(arguments, quote_via=quote)}"


def _arguments(query: ListQuery) -> Iterator[tuple[str, str]]:
    """Yield the format and, except `offset`, the parameters that do not have their default."""
    for field in dataclasses.fields(query):
        value = getattr(query, field.name)
        if field.name == "format" or (field.name != "offset" and value != field.default):
            yield from ((field.name, text) for text in _texts(value))


def _texts(value: object) -> list[str]:
    match value:
        case frozenset():
            return sorted(value)
        case tuple():
            return [",".join(map(str, value))]
        case datetime():
            return [rfc3339(value)]
        case Decimal():
            return [f"{value:f}"]
        case _:
            return [str(value)]
