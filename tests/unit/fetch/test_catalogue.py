"""A serialized list is parsed to an equal one, or rejected."""

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efishery_fetch.catalogue import Catalogue, CorruptCatalogueError
from efishery_fetch.cleaning import CleanedList, Reason, RejectedRow, Repair, Row
from tests.unit.fetch.support import NOW, upstream_row

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
MOMENTS = st.integers(0, 10**12).map(lambda milliseconds: NOW - timedelta(milliseconds=milliseconds))
CLEAN_ROWS = st.builds(
    Row,
    uuid=st.none() | TEXT,
    komoditas=TEXT,
    area_provinsi=st.none() | TEXT,
    area_kota=st.none() | TEXT,
    size=st.none() | st.integers(1, 999_999_999),
    price=st.integers(1, 10**8) | st.decimals("0.01", 10**8, places=2),
    moment=st.none() | MOMENTS,
)


CLEANED_LISTS = st.builds(
    CleanedList,
    rows=st.lists(CLEAN_ROWS).map(tuple),
    received=st.integers(0),
    rejected=st.dictionaries(st.sampled_from([reason.value for reason in Reason]), st.integers(1)),
    repaired=st.dictionaries(st.sampled_from([repair.value for repair in Repair]), st.integers(1)),
    rejected_rows=st.lists(st.builds(RejectedRow, st.integers(0), st.sampled_from(Reason), TEXT)).map(tuple),
)


@given(CLEANED_LISTS)
def test_parses_to_an_equal_catalogue(cleaned: CleanedList) -> None:
    catalogue = Catalogue.of(cleaned, fetched_at=NOW)
    assert Catalogue.loads(catalogue.dumps()) == catalogue


def version(*items: object, now: datetime = NOW) -> str:
    return Catalogue.clean(list(items), max_price=10**8, now=now).version


def test_the_version_depends_on_the_content_only() -> None:
    assert version(upstream_row()) == version(upstream_row(), now=NOW + timedelta(hours=1))
    assert re.fullmatch("[0-9a-f]{16}", version(upstream_row()))


@pytest.mark.parametrize(
    "items",
    [
        [],
        [upstream_row(price="21500.01")],
        [upstream_row(), {}],
        [upstream_row(), None],
        [upstream_row(area_provinsi="Jawa Timur")],  # the same row, but repaired
        [upstream_row(price="2"), upstream_row()],
    ],
)
def test_another_content_has_another_version(items: list[object]) -> None:
    assert version(*items) != version(upstream_row())


def test_the_order_of_rows_is_part_of_the_version() -> None:
    assert version(upstream_row(), upstream_row(price="2")) != version(upstream_row(price="2"), upstream_row())


def test_meta_has_counts_version_and_time() -> None:
    catalogue = Catalogue.clean([upstream_row(size="asdf"), {}], max_price=10**8, now=NOW)
    assert catalogue.meta() == {
        "received": 2,
        "rejected": {"empty_row": 1},
        "repaired": {"invalid_size": 1},
        "version": catalogue.version,
        "fetched_at": "2022-05-30T08:00:00.000Z",
    }


def test_a_price_with_decimals_stays_exact() -> None:
    catalogue = Catalogue.clean([upstream_row(price="0.10")], max_price=10, now=NOW)
    assert Catalogue.loads(catalogue.dumps()).rows[0].price == Decimal("0.10")


@pytest.mark.parametrize(
    "stored",
    [b"", b"{", b"null", b"[]", b"{}", b'{"rows": []}', b"\xff", b'{"rows": [[1]]}'],
)
def test_another_record_is_corrupt(stored: bytes) -> None:
    with pytest.raises(CorruptCatalogueError):
        Catalogue.loads(stored)


@pytest.mark.parametrize("price", ["asfd", 21500, None])
def test_a_price_that_is_no_text_of_a_number_is_corrupt(price: object) -> None:
    record = json.loads(Catalogue.clean([upstream_row()], max_price=10**8, now=NOW).dumps())
    record["rows"][0][5] = price
    with pytest.raises(CorruptCatalogueError):
        Catalogue.loads(json.dumps(record).encode())


def test_a_rejected_row_with_an_unknown_reason_is_corrupt() -> None:
    record = json.loads(Catalogue.clean([{}], max_price=10**8, now=NOW).dumps())
    record["rejected_rows"][0][1] = "another"
    with pytest.raises(CorruptCatalogueError):
        Catalogue.loads(json.dumps(record).encode())
