"""Lists of many shapes, usual and hostile: every item is served or counted with its reason, in bounded time."""

import json
import time
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer

from efishery_fetch.aggregate import aggregate
from efishery_fetch.catalogue import Catalogue
from efishery_fetch.cleaning import CLEANING_VERSION, FIELDS, MAX_ITEM_LENGTH, MAX_REJECTED_ROWS, clean_list
from servicekit.serialization import to_json
from tests.unit.fetch.support import NOW, Headers, upstream_row

MAX_PRICE = 100_000_000
RATE = Decimal("0.00006123")
SECONDS = 30  # on a loaded machine; quadratic time would be hours for 100,000 items


def deep(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = [value] if depth % 2 else {"a": value}
    return value


row = upstream_row
SHAPES: dict[str, tuple[list[Any], int, dict[str, int]]] = {  # name: items, rows kept, rows rejected
    "empty list": ([], 0, {}),
    "one good row": ([row()], 1, {}),
    "the same row four times": ([row()] * 4, 1, {"duplicate": 3}),
    "one uuid four times": ([row(price=str(price)) for price in range(1, 5)], 4, {}),
    "numbers instead of text": ([row(price=21500, size=80, timestamp=1646878500123)], 1, {}),
    "the same row as text and as numbers": ([row(), row(price=21500, size=80)], 1, {"duplicate": 1}),
    "every field null": ([dict.fromkeys(FIELDS)], 0, {"empty_row": 1}),
    "every field blank": ([dict.fromkeys(FIELDS, " \t")], 0, {"empty_row": 1}),
    "every field an array": ([{field: [] for field in FIELDS}], 0, {"missing_commodity": 1}),
    "every field an object": ([{field: {"a": 1} for field in FIELDS}], 0, {"missing_commodity": 1}),
    "every field true": ([dict.fromkeys(FIELDS, True)], 0, {"missing_commodity": 1}),
    "every field false": ([dict.fromkeys(FIELDS, False)], 0, {"missing_commodity": 1}),
    "every field zero": ([dict.fromkeys(FIELDS, 0)], 0, {"missing_commodity": 1}),
    "every field the same text": ([dict.fromkeys(FIELDS, "1")], 1, {}),
    "price a boolean": ([row(price=True), row(price=False)], 0, {"invalid_price": 2}),
    "price nested": ([row(price=["21500"]), row(price={"idr": 21500})], 0, {"invalid_price": 2}),
    "all other fields nested": ([row(**{field: [1] for field in set(FIELDS) - {"komoditas", "price"}})], 1, {}),
    "fields missing": ([{"komoditas": "Lele"}, {"price": "1"}], 0, {"missing_commodity": 1, "missing_price": 1}),
    "other fields": ([row(extra=1), {"a": "b"}], 1, {"empty_row": 1}),
    "names in another case": ([{key.upper(): value for key, value in row().items()}], 0, {"empty_row": 1}),
    "no objects": ([None, True, 1, Decimal("1.5"), "text", [], [row()]], 0, {"not_an_object": 7}),
    "nested lists": ([[row()], [[row()]]], 0, {"not_an_object": 2}),
    "prices of other recordings": (
        [row(price=price) for price in ("", "asfd", "1", "122222222222", "$5.03")],
        1,
        {"missing_price": 1, "invalid_price": 2, "price_out_of_range": 1},
    ),
    "thousands with a dot, a comma, a space": (
        [row(price=price) for price in ("20.000", "20,000", "20 000", "Rp 20000", "20000,-")],
        0,
        {"invalid_price": 5},
    ),
    "prices around the limits": (
        [row(price=price) for price in ("0", "0.00", "-1", "0.01", MAX_PRICE, MAX_PRICE + 1, "100000000.01")],
        2,
        {"price_out_of_range": 5},
    ),
    "numbers of 30 digits": ([row(price=10**29), row(size=10**29), row(timestamp=10**29)], 2,
                             {"price_out_of_range": 1}),
    "exponents": ([row(price=Decimal("2E+4")), row(price=Decimal("1E+400")), row(price=Decimal("1E-400"))], 1,
                  {"price_out_of_range": 1, "invalid_price": 1}),
    "NaN and infinity as text": ([row(price=text) for text in ("NaN", "Infinity", "-inf")], 0, {"invalid_price": 3}),
    "digits of other scripts": ([row(price="२१५००"), row(size="८०", timestamp="१६४६")], 1, {"invalid_price": 1}),
    "lone surrogates": ([row(komoditas="\ud800", area_provinsi="\udfff" * 3, uuid="\ud83d"), "\ud800"], 1,
                        {"not_an_object": 1}),
    "control characters": ([row(komoditas="\x00Lele\x1b[2J", uuid="\r\n", area_kota="\x00")], 1, {}),
    "HTML": ([row(komoditas="<script>alert(1)</script>", area_provinsi='"><b>')], 1, {}),
    "strings of a million characters": (
        [row(**{field: "9" * 10**6}) for field in FIELDS] + [row(**{field: "é " * 10**6}) for field in FIELDS],
        11,  # an invalid size or date is the same in both
        {"duplicate": 3, "invalid_price": 2},
    ),
    "places only white space": ([row(area_provinsi=" ", area_kota="\u00a0")], 1, {}),
    "deep nesting in an item": ([deep(900), deep(901), row(uuid=deep(900)), row(price=deep(900))], 1,
                                {"empty_row": 1, "not_an_object": 1, "invalid_price": 1}),
    "dates of every kind": (
        [row(price=str(number), timestamp=None, tgl_parsed=text) for number, text in enumerate(
            ("2020-06-03T11:32:48Z", "2022/05/30 11:0:47", "31/5/2022", "Wed Jun 03 11:32:48 GMT+07:00 2020",
             "2022-09-14T14:38:57+07:00Z", "", "a", "10", "9999-12-31T23:59:59-12:00", "0000-00-00"), start=1)],
        10,
        {},
    ),
    "100,000 empty objects": ([{}] * 100_000, 0, {"empty_row": 100_000}),
    "100,000 nulls": ([None] * 100_000, 0, {"not_an_object": 100_000}),
    "100,000 different rows": ([{"komoditas": "Lele", "price": price} for price in range(1, 100_001)], 100_000, {}),
    "100,000 equal rows": ([{"komoditas": "Lele", "price": 1}] * 100_000, 1, {"duplicate": 99_999}),
    "a province for each row": (
        [row(area_provinsi=f"PROVINSI {number}") for number in range(1000)],
        1000,
        {},
    ),
}  # fmt: skip


def test_there_are_enough_shapes() -> None:
    assert len(SHAPES) >= 30


@pytest.mark.parametrize("name", SHAPES)
def test_every_item_is_served_or_counted(name: str) -> None:
    items, kept, rejected = SHAPES[name]
    started = time.perf_counter()
    cleaned = clean_list(items, max_price=MAX_PRICE, now=NOW)
    groups, excluded = aggregate(cleaned.rows, RATE)
    assert time.perf_counter() - started < SECONDS
    assert (len(cleaned.rows), cleaned.rejected) == (kept, dict(sorted(rejected.items())))
    assert len(cleaned.rows) + sum(cleaned.rejected.values()) == cleaned.received == len(items)
    assert sum(group.price.count for group in groups) + sum(excluded.values()) == kept
    json.dumps([group.as_json() for group in groups], default=to_json, allow_nan=False)
    json.dumps([row.as_json() for row in cleaned.rows], default=to_json, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize("name", SHAPES)
def test_rejected_rows_are_described(name: str) -> None:
    items, _, rejected = SHAPES[name]
    described = clean_list(items, max_price=MAX_PRICE, now=NOW).rejected_rows
    assert len(described) == min(sum(rejected.values()), MAX_REJECTED_ROWS)
    assert all(entry.item.isascii() and len(entry.item) <= MAX_ITEM_LENGTH for entry in described)
    assert [entry.index for entry in described] == sorted({entry.index for entry in described})


@pytest.mark.parametrize("name", [name for name in SHAPES if len(SHAPES[name][0]) < 10_000])
def test_the_stored_form_is_parsed_to_an_equal_list(name: str) -> None:
    catalogue = Catalogue.clean(SHAPES[name][0], max_price=MAX_PRICE, now=NOW)
    assert Catalogue.loads(catalogue.dumps()) == catalogue


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize(
    ("body", "count", "rejected"),
    [
        (b"[]", 0, {}),
        (b'[{"komoditas": "Lele", "price": NaN}, {"komoditas": "Lele", "price": -Infinity}]', 0, {"invalid_price": 2}),
        (b'[{"komoditas": "Lele", "price": ' + b"9" * 5000 + b"}]", 0, {"invalid_price": 1}),
        (b'[{"komoditas": "Lele", "price": 1e999999999999999999999}]', 0, {"invalid_price": 1}),
        (b'[{"komoditas": "Lele", "price": 1e-999999999999}]', 0, {"invalid_price": 1}),
        (b'[{"komoditas": NaN, "price": 1}, {"komoditas": Infinity, "price": 1}]', 0, {"missing_commodity": 2}),
        (b'[{"komoditas": ' + b"9" * 5000 + b', "price": 1}]', 0, {"missing_commodity": 1}),
        (
            b'[{"komoditas": "Lele", "price": ""}, ' + b"[" * 900 + b"]" * 900 + b"]",
            0,
            {"missing_price": 1, "not_an_object": 1},
        ),
        (b'[{"komoditas": "\\ud800", "price": "", "price": 1e3}, "\\udfff"]', 1, {"not_an_object": 1}),
        (b'[{"komoditas": "Lele", "price": 1, "area_provinsi": "\\ud800ABC", "timestamp": 1e9}]', 1, {}),
    ],
)
@pytest.mark.parametrize("path", ["/fetch/resource", "/fetch/resource/aggregate"])
def test_unusual_json_is_answered(
    client: FlaskClient,
    httpserver: HTTPServer,
    admin: Headers,
    path: str,
    body: bytes,
    count: int,
    rejected: dict[str, int],
) -> None:
    httpserver.expect_request("/commodities").respond_with_data(body, content_type="application/json")
    answer = client.get(path, headers=admin)
    assert answer.status_code == 200
    meta = answer.get_json()["meta"]
    assert (meta["received"] - sum(rejected.values()), meta["rejected"]) == (count, rejected)


def test_a_number_is_not_served_as_a_name(client: FlaskClient, httpserver: HTTPServer, user: Headers) -> None:
    row = b'{"komoditas": "Lele", "price": 1, "uuid": NaN, "area_provinsi": -Infinity, "area_kota": ' + b"9" * 31 + b"}"
    httpserver.expect_request("/commodities").respond_with_data(b"[" + row + b"]")
    answer = client.get("/fetch/resource", headers=user).get_json()
    assert [answer["data"][0][field] for field in ("uuid", "area_provinsi", "area_kota")] == [None, None, None]
    assert answer["meta"]["repaired"] == {"invalid_city": 1, "invalid_province": 1, "invalid_uuid": 1}


def test_a_changed_rule_has_a_new_version() -> None:
    small = [items for items, _, _ in SHAPES.values() if len(items) < 10_000]
    versions = [Catalogue.clean(items, max_price=MAX_PRICE, now=NOW).version for items in small]
    digest = sha256("".join(versions).encode()).hexdigest()[:16]
    assert (CLEANING_VERSION, digest) == (1, "bfac86ae96e6e062"), "increase CLEANING_VERSION, and write both down here"


@pytest.mark.usefixtures("no_garbage_collection")
def test_a_row_that_is_nested_too_deeply_is_rejected(
    client: FlaskClient, httpserver: HTTPServer, admin: Headers
) -> None:
    row = b'{"komoditas": "Lele", "price": 1}'
    nested = b'{"komoditas": "Lele", "price": 2, "uuid": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    httpserver.expect_request("/commodities").respond_with_data(b"[" + b",".join((row, nested, row)) + b"]")
    meta = client.get("/fetch/resource?include=rejected", headers=admin).get_json()["meta"]
    assert (meta["count"], meta["received"], meta["rejected"]) == (1, 3, {"duplicate": 1, "not_an_object": 1})
    assert meta["rejected_rows"][0]["index"] == 1
