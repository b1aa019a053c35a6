"""Each kind of row that the upstream has sent is served, with its repairs counted, or rejected with its reason."""

from datetime import timedelta
from decimal import Decimal

import pytest

from efishery_fetch.cleaning import FIELDS, RejectedError, RejectedRow, Row, clean_list, clean_row
from efishery_fetch.rows import Reason
from tests.unit.fetch.support import NOW, upstream_row

MAX_PRICE = 100_000_000


def clean(**changes: object) -> Row:
    return clean_row(upstream_row(**changes), max_price=MAX_PRICE, now=NOW)[0]


def repairs(**changes: object) -> set[str]:
    return {repair.value for repair in clean_row(upstream_row(**changes), max_price=MAX_PRICE, now=NOW)[1]}


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
    row, repaired = clean_row({"komoditas": "Lele", "price": 5}, max_price=MAX_PRICE, now=NOW)
    assert row == Row(None, "Lele", None, None, None, 5, None)
    assert repaired == set()


@pytest.mark.parametrize("item", [None, [], "row", 7, True])
def test_rejects_what_is_no_object(item: object) -> None:
    assert reason(item) == "not_an_object"


@pytest.mark.parametrize("item", [{}, dict.fromkeys(FIELDS), dict.fromkeys(FIELDS, " "), {"other": 1}])
def test_rejects_an_empty_row(item: object) -> None:
    assert reason(item) == "empty_row"


@pytest.mark.parametrize("commodity", ["", "  ", None, 5, ["Lele"], "\u200b\x00"])
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
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1.001"),
        Decimal("1E-999999999"),
        Decimal("1.0000000000000000000000000000000000001"),
        "9" * 31,
    ],
)
def test_rejects_a_price_that_is_no_plain_number(price: object) -> None:
    assert reason(upstream_row(price=price)) == "invalid_price"


@pytest.mark.parametrize("price", ["0", "-5", "122222222222", MAX_PRICE + 1, Decimal("1E+400"), "9" * 30, 10**29])
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
        ("+9", 9),
        (MAX_PRICE, MAX_PRICE),
        ("0.01", Decimal("0.01")),
        (Decimal("2E+4"), 20000),
        (Decimal("7.50000000000000000000000000000000000000"), Decimal("7.50")),
    ],
)
def test_reads_a_price(written: object, price: int | Decimal) -> None:
    assert clean(price=written).price == price


def test_a_limit_of_many_digits_allows_such_prices() -> None:
    row, _ = clean_row(upstream_row(price=f"{'9' * 30}.50"), max_price=10**30, now=NOW)
    assert row.price == Decimal(f"{'9' * 30}.50")


def test_a_whole_price_is_an_int() -> None:
    assert type(clean(price="20000.00").price) is int


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("3000", 3000),
        (30, 30),
        (Decimal("30.0"), 30),
        (Decimal("30.5"), None),
        (Decimal("1E+999999999"), None),
        (-3, None),
        (10**9, None),
        ([], None),
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
        ("JAWA \t\u00a0 TIMUR\n", "JAWA TIMUR"),
        ("OKI", "OKI"),
        ("JAWA\u200b TI\u00adMUR\x00\ufeff", "JAWA TIMUR"),
        ("\u200bJAWA\u200b \u200b TIMUR", "JAWA TIMUR"),
        ("JAWA\x0bTIMUR\x1f", "JAWA TIMUR"),
        ("ASDF", "ASDF"),  # an unknown name is served
        ("BULELENG", "BULELENG"),
        ("a", None),
        ("ab", None),
        ("a1-2", None),
        ("12345", None),
        ("\ud800\ud800\ud800", None),
        ("", None),
        (None, None),
        (3, None),
        (["BALI"], None),
    ],
)
def test_reads_a_place(written: object, place: str | None) -> None:
    row = clean(area_provinsi=written, area_kota=written)
    assert (row.area_provinsi, row.area_kota) == (place, place)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        (dict.fromkeys(FIELDS[2:5], None), set()),
        (dict.fromkeys(FIELDS[2:5], " "), set()),
        ({"uuid": 7}, {"invalid_uuid"}),
        ({"uuid": " a  b "}, {"text_normalized"}),
        ({"komoditas": "Lele  Jumbo"}, {"text_normalized"}),
        ({"komoditas": "Lele\ud800"}, {"text_normalized"}),
        ({"komoditas": "Le\u200ble"}, {"text_normalized"}),
        ({"uuid": "\ufeff5f"}, {"text_normalized"}),
        ({"area_kota": "KEDIRI\x00"}, {"text_normalized"}),
        ({"area_kota": "\u200b"}, {"invalid_city"}),
        ({"area_provinsi": "Jawa Timur"}, {"text_normalized"}),
        ({"area_kota": " KEDIRI"}, {"text_normalized"}),
        ({"area_provinsi": "a"}, {"invalid_province"}),
        ({"area_provinsi": {}}, {"invalid_province"}),
        ({"area_kota": "a"}, {"invalid_city"}),
        ({"area_provinsi": "KEDIRI", "area_kota": "JAWA TIMUR"}, {"places_swapped"}),
        ({"area_provinsi": "Kediri", "area_kota": "JAWA TIMUR"}, {"places_swapped", "text_normalized"}),
        ({"area_provinsi": "a", "area_kota": "JAWA TIMUR"}, {"invalid_province"}),
        ({"size": "asdf"}, {"invalid_size"}),
        ({"size": "0"}, {"invalid_size"}),
        ({"size": False}, {"invalid_size"}),
        ({"size": " 80 ", "price": " 21500 "}, set()),
        ({"tgl_parsed": None}, set()),
        ({"tgl_parsed": "", "timestamp": " "}, set()),
        ({"tgl_parsed": "asdf"}, {"invalid_tgl_parsed"}),
        ({"timestamp": ""}, {"tgl_parsed_used"}),
        ({"timestamp": None}, {"tgl_parsed_used"}),
        ({"timestamp": "99999999999999"}, {"tgl_parsed_used"}),
        ({"timestamp": "asdf", "tgl_parsed": ""}, {"invalid_date"}),
        ({"timestamp": "asdf", "tgl_parsed": "asdf"}, {"invalid_date"}),
        ({"timestamp": None, "tgl_parsed": False}, {"invalid_date"}),
        ({"tgl_parsed": "2022-03-10T09:15:00Z"}, {"dates_disagree"}),  # Jakarta time labelled Z
        ({"tgl_parsed": "2022-03-10T02:15:01.123Z"}, set()),
        ({"tgl_parsed": "2022-03-10T02:15:01.124Z"}, {"dates_disagree"}),
        ({"size": "asdf", "uuid": [], "timestamp": ""}, {"invalid_size", "invalid_uuid", "tgl_parsed_used"}),
    ],
)
def test_repairs_are_counted(changes: dict[str, object], expected: set[str]) -> None:
    assert repairs(**changes) == expected


def test_timestamp_takes_precedence_over_jakarta_time_labelled_as_utc() -> None:
    row = clean(timestamp="1646878500123", tgl_parsed="2022-03-10T09:15:00Z").as_json()
    assert (row["tgl_parsed"], row["timestamp"]) == ("2022-03-10T02:15:00.123Z", 1646878500123)


@pytest.mark.parametrize("timestamp", ["", None, "asdf", "99999999999999", True, 1646878500.5])
def test_text_is_used_when_the_timestamp_is_invalid(timestamp: object) -> None:
    assert clean(timestamp=timestamp, tgl_parsed="10/3/2022").as_json()["tgl_parsed"] == "2022-03-09T17:00:00.000Z"


def test_a_date_may_be_at_most_a_day_late() -> None:
    tomorrow = (NOW + timedelta(days=1)).isoformat()
    after = (NOW + timedelta(days=1, seconds=1)).isoformat()
    assert clean(timestamp=tomorrow).moment == NOW + timedelta(days=1)
    assert clean(timestamp=after, tgl_parsed=None).moment is None


def test_a_row_without_readable_date_is_kept() -> None:
    row = clean(tgl_parsed="", timestamp="").as_json()
    assert (row["tgl_parsed"], row["timestamp"]) == (None, None)


def test_counts_rows_and_keeps_the_order() -> None:
    items = [upstream_row(price="2"), {}, upstream_row(price="1", size="asdf"), None, upstream_row(price="2"), {}]
    cleaned = clean_list(items, max_price=MAX_PRICE, now=NOW)
    assert [row.price for row in cleaned.rows] == [2, 1]
    assert cleaned.received == 6
    assert cleaned.rejected == {"duplicate": 1, "empty_row": 2, "not_an_object": 1}
    assert cleaned.repaired == {"invalid_size": 1}


def test_rejected_rows_say_where_why_and_what() -> None:
    items = [upstream_row(), {"price": "é"}, None, upstream_row()]
    rejected = clean_list(items, max_price=MAX_PRICE, now=NOW).rejected_rows
    assert rejected[:2] == (
        RejectedRow(1, Reason.MISSING_COMMODITY, '{"price": "\\u00e9"}'),
        RejectedRow(2, Reason.NOT_AN_OBJECT, "null"),
    )
    assert (rejected[2].index, rejected[2].reason) == (3, "duplicate")
    assert rejected[2].item.startswith('{"uuid": "5f2b1c9e')


def test_repairs_of_rejected_rows_are_not_counted() -> None:
    items = [upstream_row(size="asdf"), upstream_row(size="asdf"), upstream_row(size="asdf", price="")]
    assert clean_list(items, max_price=MAX_PRICE, now=NOW).repaired == {"invalid_size": 1}


def test_a_duplicate_is_equal_after_cleaning() -> None:
    items = [upstream_row(), upstream_row(area_provinsi=" jawa timur", price="21500.00", tgl_parsed="")]
    assert clean_list(items, max_price=MAX_PRICE, now=NOW).rejected == {"duplicate": 1}


def test_one_uuid_with_different_content_is_several_rows() -> None:
    items = [upstream_row(uuid="kotlin.random.XorWowRandom@64a9d2f", price=str(price)) for price in (1, 2, 3, 4)]
    assert len(clean_list(items, max_price=MAX_PRICE, now=NOW).rows) == 4
