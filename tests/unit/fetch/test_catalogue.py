"""A serialized list is parsed to an equal one, or rejected."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efishery_fetch.catalogue import Catalogue, CorruptCatalogueError
from efishery_fetch.cleaning import Row
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


@settings(deadline=None)
@given(st.lists(CLEAN_ROWS), st.dictionaries(st.sampled_from(["duplicate", "empty_row"]), st.integers(1)))
def test_parses_to_an_equal_catalogue(rows: list[Row], rejected: dict[str, int]) -> None:
    catalogue = Catalogue(tuple(rows), len(rows), rejected, NOW)
    assert Catalogue.loads(catalogue.dumps()) == catalogue


def test_a_price_with_decimals_stays_exact() -> None:
    catalogue = Catalogue.clean([upstream_row(price="0.10")], max_price=10, now=NOW)
    assert Catalogue.loads(catalogue.dumps()).rows[0].price == Decimal("0.10")


@pytest.mark.parametrize(
    "stored",
    [b"", b"{", b"null", b"[]", b"{}", b'{"format": 1, "rows": []}', b"\xff", b'{"format": 2, "rows": [[1]]}'],
)
def test_another_format_is_corrupt(stored: bytes) -> None:
    with pytest.raises(CorruptCatalogueError):
        Catalogue.loads(stored)


@pytest.mark.parametrize("price", ["asfd", 21500, None])
def test_a_price_that_is_no_text_of_a_number_is_corrupt(price: object) -> None:
    record = json.loads(Catalogue.clean([upstream_row()], max_price=10**8, now=NOW).dumps())
    record["rows"][0][5] = price
    with pytest.raises(CorruptCatalogueError):
        Catalogue.loads(json.dumps(record).encode())
