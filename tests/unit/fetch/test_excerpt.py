"""The JSON text of a value is the standard library's, cut to a length, whatever the value."""

import json
import sys
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efishery_fetch.excerpt import excerpt

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_a_short_value_is_written_as_json(value: object) -> None:
    assert excerpt(value, 10**6) == json.dumps(value)


@given(VALUES | st.text("é\ud800\n", max_size=30), st.integers(3, 40))
def test_a_long_value_is_cut(value: object, length: int) -> None:
    whole = json.dumps(value)
    assert excerpt(value, length) == (whole if len(whole) <= length else f"{whole[: length - 3]}...")


@pytest.mark.parametrize("depth", [500, sys.getrecursionlimit() * 100])
def test_depth_does_not_matter(depth: int) -> None:
    array: object = []
    row: object = {}
    for _ in range(depth):
        array, row = [array], {"a": row}
    assert excerpt(array, 500) == "[" * 497 + "..."
    assert excerpt(row, 500) == ('{"a": ' * 100)[:497] + "..."


@pytest.mark.parametrize("value", ["\U0001f41f" * 10**6, ["x" * 10**7], {"é" * 10**6: 1}, list(range(10**6))])
def test_memory_depends_on_the_length_only(value: object) -> None:
    tracemalloc.start()
    text = excerpt(value, 500)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(text), text[-3:]) == (500, "...")
    assert peak < 50_000


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("0.10"), "0.10"), (Decimal("1E+400"), "1E+400"), (10**29, f"1{'0' * 29}"), (float("nan"), "NaN")],
)
def test_numbers(value: object, text: str) -> None:
    assert excerpt([value], 500) == f"[{text}]"


def test_an_integer_of_thousands_of_digits_is_cut() -> None:
    assert excerpt(10**5000, 500) == f"1{'0' * 496}..."
