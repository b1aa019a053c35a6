"""A query applied to rows: filters, order, pages, and the links between pages."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from efishery_fetch.cleaning import Row
from efishery_fetch.negotiation import Format
from efishery_fetch.queries import AggregateQuery, ListQuery, parse_list_query
from efishery_fetch.query_values import SAME_ORDER, SortKey, Week
from efishery_fetch.selection import link_header, select, select_for_aggregate

PATH = "/fetch/resource"
NOON = datetime(2022, 1, 2, 12, tzinfo=UTC)


def row(
    uuid: str | None = None,
    commodity: str = "Lele",
    province: str | None = "BALI",
    city: str | None = "DENPASAR",
    size: int | None = None,
    price: int | Decimal = 1,
    moment: datetime | None = NOON,
) -> Row:
    return Row(uuid, commodity, province, city, size, price, moment)


def query(text: str) -> ListQuery:
    return parse_list_query(parse_qsl(text, keep_blank_values=True), "")


def uuids(rows: Sequence[Row], text: str) -> list[str | None]:
    return [found.uuid for found in select(rows, query(text))[0]]


def links(query: ListQuery, total: int) -> dict[str, str]:
    """Return the target of each relation of the header Link."""
    header = link_header(PATH, query, total)
    assert header is not None
    pairs = (parse_options_header(link) for link in header.split(", "))
    return {options["rel"]: target.removeprefix("<").removesuffix(">") for target, options in pairs}


def test_the_default_is_every_row_in_the_given_order() -> None:
    rows = [row("b", moment=None), row("a", province=None)]
    assert select(rows, ListQuery()) == (rows, 2)
    assert select([], ListQuery()) == ([], 0)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("province=bali", ["a", "b"]),
        ("province=bali&province=jawa++timur", ["a", "b", "c"]),
        ("province=bali&city=Kuta", ["b"]),
        ("city=MALANG", ["c"]),
        ("commodity=LELE", ["a", "d"]),
        ("commodity=nila+hitam&province=BALI", ["b"]),
        ("province=BAL", []),
        ("price_min=10", ["b", "c", "d"]),
        ("price_max=10", ["a", "b"]),
        ("price_min=9.99&price_max=10.01", ["b"]),
        ("price_min=20.5", ["c", "d"]),
    ],
)
def test_filters(text: str, wanted: list[str]) -> None:
    rows = [
        row("a", "Lele", "BALI", "DENPASAR", price=5),
        row("b", "Nila Hitam", "BALI", "KUTA", price=10),
        row("c", "NILA HITAM", "JAWA TIMUR", "MALANG", price=Decimal("20.50")),
        row("d", "lele", None, None, price=30),
    ]
    assert uuids(rows, text) == wanted
    assert select(rows, query(text))[1] == len(wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("date_from=2022-01-02", ["start", "end", "next"]),
        ("date_to=2022-01-02", ["before", "start", "end"]),
        ("date_from=2022-01-02&date_to=2022-01-02", ["start", "end"]),
        ("date_from=2022-01-02T16:59:59.999Z", ["end", "next"]),
        ("date_to=2022-01-02T00:00:00%2B07:00", ["before", "start"]),
        ("date_from=2000-01-01", ["before", "start", "end", "next"]),
    ],
)
def test_a_date_is_a_whole_day_in_jakarta(text: str, wanted: list[str]) -> None:
    start = datetime(2022, 1, 2, tzinfo=timezone(timedelta(hours=7)))
    millisecond = timedelta(milliseconds=1)
    rows = [
        row("before", moment=start - millisecond),
        row("start", moment=start),
        row("end", moment=start + timedelta(days=1) - millisecond),
        row("next", moment=start + timedelta(days=1)),
        row("none", moment=None),
    ]
    assert uuids(rows, text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sort=size", "abdc"),
        ("sort=-size", "dabc"),
        ("sort=size,-uuid", "badc"),
        ("sort=price_usd", "dbca"),
        ("sort=-price", "acbd"),
        ("sort=timestamp,uuid", "bdac"),
        ("sort=-tgl_parsed,uuid", "acbd"),
        ("sort=komoditas,-price", "acbd"),
    ],
)
def test_sorts_with_null_last(text: str, wanted: str) -> None:
    rows = [
        row("a", "gurame", size=10, price=4),
        row("b", "LELE", size=10, price=2, moment=NOON - timedelta(days=1)),
        row("c", "Gurame", size=None, price=Decimal("2.50")),
        row("d", "lele", size=20, price=1, moment=NOON - timedelta(days=1)),
    ]
    assert "".join(str(uuid) for uuid in uuids(rows, text)) == wanted


def test_pages() -> None:
    rows = [row(str(number)) for number in range(5)]
    assert uuids(rows, "limit=2") == ["0", "1"]
    assert uuids(rows, "limit=2&offset=4") == ["4"]
    assert uuids(rows, "limit=2&offset=999999999") == []
    assert select(rows, query("limit=2&offset=999999999"))[1] == 5


def test_no_limit_no_links() -> None:
    assert link_header(PATH, ListQuery(), 100) is None


@pytest.mark.parametrize(
    ("offset", "total", "offsets"),
    [
        (0, 0, {"first": 0, "last": 0}),
        (0, 10, {"first": 0, "last": 0}),
        (0, 11, {"first": 0, "next": 10, "last": 10}),
        (10, 30, {"first": 0, "prev": 0, "next": 20, "last": 20}),
        (20, 30, {"first": 0, "prev": 10, "last": 20}),
        (5, 30, {"first": 0, "prev": 0, "next": 15, "last": 20}),
        (999, 30, {"first": 0, "prev": 20, "last": 20}),
        (999, 0, {"first": 0, "prev": 0, "last": 0}),
    ],
)
def test_links_to_the_other_pages(offset: int, total: int, offsets: dict[str, int]) -> None:
    found = links(query(f"limit=10&offset={offset}"), total)
    assert found == {rel: f"{PATH}?limit=10&format=json&offset={number}" for rel, number in offsets.items()}


def test_links_keep_the_other_parameters_encoded() -> None:
    sent = query(
        "province=d%26i+yogyakarta&province=bali&price_min=1.50&date_to=2022-01-02&sort=-price,uuid&fields=price,uuid"
        "&include=rejected&limit=10"
    )
    assert links(sent, 11)["next"] == (
        f"{PATH}?province=BALI&province=D%26I%20YOGYAKARTA&price_min=1.50&date_to=2022-01-02T16%3A59%3A59.999999Z"
        "&sort=-price%2Cuuid&limit=10&fields=price%2Cuuid&include=rejected&format=json&offset=10"
    )


def test_links_keep_the_format_that_accept_chose() -> None:
    header = link_header(PATH, parse_list_query([("limit", "1")], "text/csv"), 1)
    assert header is not None
    assert "&format=csv&offset=0>" in header


def test_links_keep_a_format_that_is_the_default() -> None:
    target = links(query("limit=1&format=json"), 1)["first"]
    followed = parse_list_query(parse_qsl(urlsplit(target).query), "text/csv")
    assert followed.format is Format.JSON


def test_a_name_cannot_add_a_header_or_a_link() -> None:
    header = link_header(PATH, query("limit=1&city=%0D%0ASet-Cookie:%20a%3E;%20rel=%22next%22,%20%3Cevil"), 1)
    assert header is not None
    assert header.count("<") == header.count(">") == 2
    assert "\r" not in header
    assert "\n" not in header


@pytest.mark.parametrize(
    ("weeks", "wanted"),
    [
        ((None, None), ["2021-52", "2022-01", "none"]),
        ((Week(2021, 52), Week(2021, 52)), ["2021-52"]),
        ((Week(2021, 53), None), ["2022-01"]),
        ((None, Week(2021, 52)), ["2021-52"]),
    ],
)
def test_weeks_are_iso_weeks_in_jakarta(weeks: tuple[Week | None, Week | None], wanted: list[str]) -> None:
    monday = datetime(2022, 1, 3, tzinfo=timezone(timedelta(hours=7)))
    rows = [
        row("2021-52", moment=(monday - timedelta(milliseconds=1)).astimezone(UTC)),
        row("2022-01", moment=monday.astimezone(UTC)),  # still Sunday in UTC
        row("none", moment=None),
    ]
    found = select_for_aggregate(rows, AggregateQuery(week_from=weeks[0], week_to=weeks[1]))
    assert [each.uuid for each in found] == wanted


def test_the_aggregate_is_filtered_by_province_and_commodity() -> None:
    rows = [row("a", "Lele", "BALI"), row("b", "NILA", "BALI"), row("c", "lele", "ACEH"), row("d", "Lele", None)]
    by_both = AggregateQuery(province=frozenset({"BALI"}), commodity=frozenset({"LELE"}))
    assert [each.uuid for each in select_for_aggregate(rows, by_both)] == ["a"]
    assert select_for_aggregate(rows, AggregateQuery()) == rows


PLACES = st.none() | st.sampled_from(["BALI", "ACEH", "DI YOGYAKARTA"])
COMMODITIES = st.sampled_from(["Lele", "LELE", "Nila"])
PRICES = st.integers(1, 5) | st.decimals("0.01", "5", places=2)
MOMENTS = st.datetimes(datetime(2021, 12, 31), datetime(2022, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001
ROWS = st.lists(
    st.builds(
        Row,
        uuid=st.none() | st.sampled_from("abc"),
        komoditas=COMMODITIES,
        area_provinsi=PLACES,
        area_kota=PLACES,
        size=st.none() | st.integers(1, 3),
        price=PRICES,
        moment=st.none() | MOMENTS,
    ),
    max_size=12,
)
SORT_FIELDS = ["uuid", "komoditas", "area_provinsi", "area_kota", "size", "price", "timestamp"]
NAMES = st.frozensets(st.sampled_from(["BALI", "ACEH", "A&B <C>", "É"]), max_size=2)
QUERIES = st.builds(
    ListQuery,
    province=NAMES,
    city=NAMES,
    commodity=st.sampled_from([frozenset(), frozenset({"LELE"}), frozenset({"LELE", "NILA"})]),
    price_min=st.none() | st.decimals("0", "2", places=2),
    price_max=st.none() | st.decimals("3", "5", places=2),
    date_from=st.none() | MOMENTS.map(lambda moment: moment - timedelta(days=1)),
    date_to=st.none() | MOMENTS.map(lambda moment: moment + timedelta(days=1)),
    sort=st.lists(
        st.builds(SortKey, st.sampled_from(SORT_FIELDS), st.booleans()), unique_by=lambda key: key.field, max_size=3
    ).map(tuple),
    limit=st.integers(1, 5),
    offset=st.integers(0, 20),
    fields=st.just(ListQuery().fields) | st.just(("price", "uuid")),
    include=st.none() | st.just("rejected"),
    format=st.sampled_from(Format),
).filter(lambda query: query.format is Format.JSON or not query.include)


def matches(row: Row, query: ListQuery) -> bool:
    return (
        (not query.province or row.area_provinsi in query.province)
        and (not query.city or row.area_kota in query.city)
        and (not query.commodity or row.komoditas.upper() in query.commodity)
        and (query.price_min is None or query.price_min <= row.price)
        and (query.price_max is None or row.price <= query.price_max)
        and (query.date_from is None or (row.moment is not None and query.date_from <= row.moment))
        and (query.date_to is None or (row.moment is not None and row.moment <= query.date_to))
    )


@given(ROWS, QUERIES)
def test_the_total_and_the_rows_equal_those_of_a_naive_filter(rows: list[Row], query: ListQuery) -> None:
    page, total = select(rows, query)
    matching = [row for row in rows if matches(row, query)]
    assert total == len(matching)
    assert all(row in matching for row in page)
    if not query.sort and query.limit is not None:
        assert page == matching[query.offset : query.offset + query.limit]


@given(ROWS, st.sampled_from(SORT_FIELDS), st.booleans())
def test_the_order_equals_that_of_a_naive_sort(rows: list[Row], field: str, descending: bool) -> None:
    values: list[Any] = [each.as_json()[field] for each in rows]
    if field == "komoditas":
        values = [value.upper() for value in values]
    ranks = {value: rank for rank, value in enumerate(sorted({value for value in values if value is not None}))}
    sign = -1 if descending else 1
    order = sorted(range(len(rows)), key=lambda i: (values[i] is None, sign * ranks.get(values[i], 0), i))
    assert select(rows, ListQuery(sort=(SortKey(field, descending),)))[0] == [rows[i] for i in order]


@given(ROWS, QUERIES)
def test_following_next_from_first_gives_every_row_once(rows: list[Row], query: ListQuery) -> None:
    every, total = select(rows, replace(query, limit=None, offset=0))
    found = []
    target = links(query, total)["first"]
    while target:
        page = parse_list_query(parse_qsl(urlsplit(target).query), "")
        found += select(rows, page)[0]
        target = links(page, total).get("next", "")
    assert found == every


@given(QUERIES)
def test_a_link_is_the_same_query_at_another_offset(query: ListQuery) -> None:
    target = urlsplit(links(query, 100)["first"])
    parsed = parse_list_query(parse_qsl(target.query, strict_parsing=True), "")
    assert (target.path, parsed) == (PATH, replace(query, offset=0))


def test_every_field_can_be_sorted_by() -> None:
    for field in ListQuery().fields:
        assert len(select([row(), row()], query(f"sort=-{field}"))[0]) == 2
    assert set(SORT_FIELDS) | SAME_ORDER.keys() == set(ListQuery().fields)
