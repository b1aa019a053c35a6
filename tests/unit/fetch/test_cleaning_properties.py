"""What is true of the cleaning for every JSON value."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import OAS30ReadValidator

from efishery_fetch.aggregate import Group, aggregate
from efishery_fetch.cleaning import FIELDS, CleanedList, Reason, Repair, clean_list
from efishery_fetch.money import price_usd
from servicekit.serialization import to_json
from tests.unit.fetch.support import NOW, upstream_row
from tests.unit.fetch.test_openapi import DOCUMENT

MAX_PRICE = 100_000_000
TEXTS = (
    "20000", "20.000", "0.50", "1E3", "NaN", "$5.03", "asfd", "a", " ", "", "\ud800", "\x00", "ß", "ŉ", "ΐ", "ǰ",
    "1646878500123", "1646878500", "99999999999999", "2022-03-10T02:15:00Z", "31/5/2022", "2022/05/30 11:0:47",
    "Wed Jun 03 11:32:48 GMT+07:00 2020", "Jawa  Timur", "BALI", "BULELENG", "JAMBI", "DI YOGYAKARTA",
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 10**15)
    | st.decimals()
    | st.decimals(0, 10**9, places=2)
    | st.floats()
    | st.text()
    | st.text(st.characters())  # with lone surrogates
    | st.sampled_from(TEXTS)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5
)
ROWS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, VALUES))
NEARLY_GOOD = st.tuples(st.sampled_from(FIELDS), st.sampled_from(FIELDS), VALUES, VALUES).map(
    lambda drawn: upstream_row(**{drawn[0]: drawn[2], drawn[1]: drawn[3]})
)
LISTS = st.lists(VALUES | ROWS | NEARLY_GOOD | NEARLY_GOOD, max_size=20)
RATES = st.none() | st.decimals("0.00001", "0.001", places=12)


def clean(items: list[object]) -> CleanedList:
    return clean_list(items, max_price=MAX_PRICE, now=NOW)


def transferred(value: object) -> Any:
    """Return what a client reads, with its numbers exact."""
    text = json.dumps(value, default=to_json, ensure_ascii=False, allow_nan=False).encode()
    return json.loads(text, parse_float=Decimal)


def validator(schema: str) -> OAS30ReadValidator:
    components = {"components": DOCUMENT["components"]}
    return OAS30ReadValidator({"allOf": [{"$ref": f"#/components/schemas/{schema}"}], **components})


VALIDATORS = {name: validator(name) for name in ("Row", "Group", "Rejected", "Repaired")}


@given(LISTS)
def test_every_item_is_served_or_counted(items: list[object]) -> None:
    cleaned = clean(items)
    assert len(cleaned.rows) + sum(cleaned.rejected.values()) == cleaned.received == len(items)
    assert len(set(cleaned.rows)) == len(cleaned.rows)
    assert len(cleaned.rejected_rows) == sum(cleaned.rejected.values())
    assert all(0 < count <= len(cleaned.rows) for count in cleaned.repaired.values())


@given(LISTS)
def test_a_clean_row_is_served_unchanged(items: list[object]) -> None:
    rows = clean(items).rows
    again = clean(transferred([row.as_json() for row in rows]))
    assert (again.rows, again.rejected, again.repaired) == (rows, {}, {})


@given(LISTS, RATES)
def test_what_is_served_fits_the_openapi_document(items: list[object], rate: Decimal | None) -> None:
    cleaned = clean(items)
    VALIDATORS["Rejected"].validate(cleaned.rejected)
    VALIDATORS["Repaired"].validate(cleaned.repaired)
    for row in cleaned.rows:
        served = transferred({**row.as_json(), "price_usd": price_usd(row.price, rate) if rate else None})
        VALIDATORS["Row"].validate(served)
        assert served["tgl_parsed"] is None or datetime.fromisoformat(served["tgl_parsed"]) == row.moment


@given(LISTS, RATES)
def test_every_served_row_is_in_a_group_or_counted(items: list[object], rate: Decimal | None) -> None:
    rows = clean(items).rows
    groups, excluded = aggregate(rows, rate)
    assert sum(group.price.count for group in groups) + sum(excluded.values()) == len(rows)
    assert len({group.key for group in groups}) == len(groups)
    for group in groups:
        VALIDATORS["Group"].validate(transferred(group.as_json()))
        assert_ordered(group)


def assert_ordered(group: Group) -> None:
    for part in filter(None, (group.price, group.price_usd, group.size)):
        assert part.min <= part.median <= part.max
        assert part.min <= part.mean <= part.max


@pytest.mark.parametrize("name", ["Rejected", "Repaired"])
def test_the_document_names_every_reason_and_repair(name: str) -> None:
    enum = {"Rejected": Reason, "Repaired": Repair}[name]
    assert list(DOCUMENT["components"]["schemas"][name]["properties"]) == [member.value for member in enum]
