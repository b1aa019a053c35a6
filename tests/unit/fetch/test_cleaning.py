"""Each kind of row that the upstream has sent is accepted, or rejected with its reason."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efishery_fetch.cleaning import FIELDS, RejectedError, Row, clean_list, clean_row
from tests.unit.fetch.support import NOW, upstream_row

MAX_PRICE = 100_000_000


def clean(**changes: object) -> Row:
    return clean_row(upstream_row(**changes), max_price=MAX_PRICE, now=NOW)


def reason(item: object) -> str:
    with pytest.raises(RejectedError) as rejected:
        clean_row(item, max_price=MAX_PRICE, now=NOW)
    return rejected.value.reason.value


def test_keeps_a_good_row() -> None:
    assert clean().as_json() == {
        "uuid": "5f2b1c9e-0d3a-4a51-9a55-0b7f2c1d8e11",
        "komoditas": "Lele",
        "area_provinsi": "JAWA TIMUR",
        "area_kota": "KEDIRI",
        "size": 80,
        "price": 21500,
        "tgl_parsed": "2022-03-10T02:15:00.123Z",
        "timestamp": 1646878500123,
    }


def test_keeps_a_row_with_nothing_but_commodity_and_price() -> None:
    row = clean_row({"komoditas": "Lele", "price": 5}, max_price=MAX_PRICE, now=NOW)
    assert row == Row(None, "Lele", None, None, None, 5, None)


@pytest.mark.parametrize("item", [None, [], "row", 7, True])
def test_rejects_what_is_no_object(item: object) -> None:
    assert reason(item) == "not_an_object"


@pytest.mark.parametrize("item", [{}, dict.fromkeys(FIELDS), dict.fromkeys(FIELDS, " "), {"other": 1}])
def test_rejects_an_empty_row(item: object) -> None:
    assert reason(item) == "empty_row"


@pytest.mark.parametrize("commodity", ["", "  ", None, 5, ["Lele"]])
def test_rejects_a_row_without_commodity(commodity: object) -> None:
    assert reason(upstream_row(komoditas=commodity)) == "missing_commodity"


@pytest.mark.parametrize("price", ["", " ", None])
def test_rejects_a_row_without_price(price: object) -> None:
    assert reason(upstream_row(price=price)) == "missing_price"


@pytest.mark.parametrize(
    "price",
    [
        "asfd",
        "$5.03",
        "20.000",
        "20,000",
        "1e3",
        "NaN",
        "1_000",
        "५०००",
        True,
        [],
        Decimal("NaN"),
        Decimal("1.001"),
    ],
)
def test_rejects_a_price_that_is_no_plain_number(price: object) -> None:
    assert reason(upstream_row(price=price)) == "invalid_price"


@pytest.mark.parametrize("price", ["0", "-5", "122222222222", MAX_PRICE + 1, Decimal("1E+400"), "9" * 30])
def test_rejects_a_price_out_of_range(price: object) -> None:
    assert reason(upstream_row(price=price)) == "price_out_of_range"


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("1", 1),
        (" 20000 ", 20000),
        ("20000.00", 20000),
        ("0.50", Decimal("0.50")),
        (Decimal("7.5"), Decimal("7.50")),
        (9, 9),
    ],
)
def test_reads_a_price(written: object, price: int | Decimal) -> None:
    assert clean(price=written).price == price


def test_a_whole_price_is_an_int() -> None:
    assert type(clean(price="20000.00").price) is int


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("3000", 3000),
        (30, 30),
        ("asdf", None),
        ("", None),
        (None, None),
        ("0", None),
        ("-3", None),
        (True, None),
        ("9" * 10, None),
    ],
)
def test_reads_a_size(written: object, size: int | None) -> None:
    assert clean(size=written).size == size


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("Jawa Timur", "JAWA TIMUR"),
        (" PURWOREJO", "PURWOREJO"),
        ("JAWA  TIMUR", "JAWA TIMUR"),
        ("a", "A"),
        ("", None),
        (None, None),
        (3, None),
    ],
)
def test_reads_a_place(written: object, place: str | None) -> None:
    row = clean(area_provinsi=written, area_kota=written)
    assert (row.area_provinsi, row.area_kota) == (place, place)


def test_a_row_without_readable_date_is_kept() -> None:
    row = clean(tgl_parsed="", timestamp="").as_json()
    assert (row["tgl_parsed"], row["timestamp"]) == (None, None)


def test_counts_rejected_rows_and_keeps_the_order() -> None:
    items = [upstream_row(price="2"), {}, upstream_row(price="1"), None, upstream_row(price="2"), {}]
    rows, rejected = clean_list(items, max_price=MAX_PRICE, now=NOW)
    assert [row.price for row in rows] == [2, 1]
    assert rejected == {"duplicate": 1, "empty_row": 2, "not_an_object": 1}


def test_a_duplicate_is_equal_after_cleaning() -> None:
    items = [upstream_row(), upstream_row(area_provinsi=" jawa timur", price="21500.00", tgl_parsed="")]
    assert clean_list(items, max_price=MAX_PRICE, now=NOW)[1] == {"duplicate": 1}


def test_one_uuid_with_different_content_is_several_rows() -> None:
    items = [upstream_row(uuid="kotlin.random.XorWowRandom@64a9d2f", price=str(price)) for price in (1, 2, 3, 4)]
    assert len(clean_list(items, max_price=MAX_PRICE, now=NOW)[0]) == 4


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals()
    | st.text()
    | st.sampled_from(["20000", "30", "NaN", "\ud800"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
ROWS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, VALUES))


@settings(deadline=None)
@given(st.lists(VALUES | ROWS | st.builds(upstream_row, price=VALUES, size=VALUES, uuid=VALUES, timestamp=VALUES)))
def test_every_row_is_kept_or_counted(items: list[object]) -> None:
    rows, rejected = clean_list(items, max_price=MAX_PRICE, now=NOW)
    assert len(items) == len(rows) + sum(rejected.values())
    assert len(set(rows)) == len(rows)
    assert all(0 < row.price <= MAX_PRICE for row in rows)
    assert all(row.komoditas.encode() for row in rows)
