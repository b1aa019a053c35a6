"""Sets of GTIDs: MySQL's form, union, difference, inclusion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efishery_mysql_agent.gtid import GtidSet

A, B = "aaaaaaaa-0000-0000-0000-000000000000", "bbbbbbbb-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", ""),
        (f"{A}:1", f"{A}:1"),
        (f"{A}:1-3:4-5:9", f"{A}:1-5:9"),
        (f"{B}:1,\n{A}:2-2", f"{A}:2,{B}:1"),
        (f"{A}:1-2:backup:5-6", f"{A}:1-2,{A}:backup:5-6"),
        (f"{A.upper()}:7", f"{A}:7"),
    ],
)
def test_mysqls_form_is_read_and_written(text: str, written: str) -> None:
    assert str(GtidSet.parse(text)) == written


def test_what_is_no_set_is_refused() -> None:
    with pytest.raises(ValueError, match="x"):
        GtidSet.parse(f"{A}:1-x")


def test_difference_and_inclusion() -> None:
    more, less = GtidSet.parse(f"{A}:1-10,{B}:1"), GtidSet.parse(f"{A}:2-4:8")
    assert str(more - less) == f"{A}:1:5-7:9-10,{B}:1"
    assert less <= more
    assert not more <= less
    assert not GtidSet() - more


def test_two_sets_may_each_have_what_the_other_lacks() -> None:
    one, other = GtidSet.parse(f"{A}:1-5"), GtidSet.parse(f"{A}:1-4,{B}:1")
    assert not one <= other
    assert not other <= one
    assert str(one | other) == f"{A}:1-5,{B}:1"


NUMBERS = st.dictionaries(st.sampled_from([A, B]), st.sets(st.integers(1, 40)))


def _made(numbers: dict[str, set[int]]) -> GtidSet:
    return GtidSet.of({source: [(n, n) for n in of] for source, of in numbers.items()})


def _numbers(gtids: GtidSet) -> set[tuple[str, int]]:
    return {(source, n) for source, of in gtids.sources for first, last in of for n in range(first, last + 1)}


@given(NUMBERS, NUMBERS)
def test_it_is_a_set(one: dict[str, set[int]], other: dict[str, set[int]]) -> None:
    a, b = _made(one), _made(other)
    assert _numbers(a | b) == _numbers(a) | _numbers(b)
    assert _numbers(a - b) == _numbers(a) - _numbers(b)
    assert (a <= b) == (_numbers(a) <= _numbers(b))
    assert GtidSet.parse(str(a)) == a
