"""Rows as CSV (RFC 4180)."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efishery_fetch.aggregate import aggregate
from efishery_fetch.cleaning import Row
from efishery_fetch.csv_format import FORMULA_STARTS, encode_csv, flatten
from servicekit.serialization import to_json


def cell(value: object) -> str:
    """Return how a value is written in the second of two columns."""
    lines = encode_csv([{"a": 0, "b": value}], ["a", "b"]).decode()
    return lines.removeprefix("a,b\r\n0,").removesuffix("\r\n")


def test_has_a_header_line_and_a_line_for_each_row() -> None:
    rows = [{"uuid": "a", "price": 1, "size": None}, {"price": 2, "uuid": "b"}]
    assert encode_csv(rows, ["price", "uuid", "size"]) == b"price,uuid,size\r\n1,a,\r\n2,b,\r\n"
    assert encode_csv([], ["price", "uuid"]) == b"price,uuid\r\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (21500, "21500"),
        (-5, "-5"),
        (Decimal("20000.00"), "20000"),
        (Decimal("0.50"), "0.5"),
        (Decimal("-1.5"), "-1.5"),
        (1.3164, "1.3164"),
        (True, "true"),
        (False, "false"),
        (datetime(2022, 1, 2, tzinfo=UTC), "2022-01-02T00:00:00Z"),
        (None, ""),
        ("", ""),
        ("JAWA TIMUR", "JAWA TIMUR"),
        ("a,b", '"a,b"'),
        ('a "b"', '"a ""b"""'),
        ("a\nb", '"a\nb"'),
        ("a\rb", '"a\rb"'),
        ("Müller 鯉", "Müller 鯉"),
        ("\ud800", "?"),
    ],
)
def test_writes_a_value(value: object, written: str) -> None:
    assert cell(value) == written


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\x00=1", "＝1", "＋1", "－1", "＠A"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["\r=1", "\n=1", '=HYPERLINK("http://x")', "=1,2"])
def test_the_apostrophe_is_within_the_quotes(text: str) -> None:
    assert cell(text) == "\"'" + text.replace('"', '""') + '"'


def test_nested_values_are_refused() -> None:
    with pytest.raises(TypeError):
        encode_csv([{"price": {"min": 1}}], ["price"])


def test_flattens_an_aggregate_group() -> None:
    moment = datetime(2022, 1, 3, tzinfo=UTC)
    rows = [Row(None, "Lele", "BALI", None, None, price, moment) for price in (1, 2)]
    (group,), _ = aggregate(rows, None)
    flat = flatten({key: value for key, value in group.as_json().items() if key in ("area_provinsi", "price", "size")})
    assert flat == {
        "area_provinsi": "BALI",
        "price_count": 2,
        "price_min": 1,
        "price_max": 2,
        "price_mean": Decimal("1.50"),
        "price_median": Decimal("1.50"),
        "size": None,
    }
    assert encode_csv([flat], ["area_provinsi", "price_mean", "size_mean"]).endswith(b"\r\nBALI,1.5,\r\n")


NUMBERS = st.integers() | st.decimals("0.01", "100000000", places=2) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.text() | NUMBERS


@given(st.lists(st.lists(VALUES, min_size=1, max_size=4), max_size=5))
def test_the_csv_module_reads_the_same_cells(table: list[list[object]]) -> None:
    columns = [str(number) for number in range(4)]
    encoded = encode_csv((dict(zip(columns, values, strict=False)) for values in table), columns)
    header, *lines = csv.reader(io.StringIO(encoded.decode(), newline=""), strict=True)
    assert header == columns
    assert lines == [[as_read(value) for value in (values + [None] * 4)[:4]] for values in table]


def as_read(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value and value[0] in FORMULA_STARTS else value
    return json.dumps(value, default=to_json)
