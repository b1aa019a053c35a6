"""The sampler of the fault tests: when members were writable at the same time."""

import pytest

from tests.e2e.mysql.sampler import Sample, intervals, overlap


def samples(member: str, *moments: float, yes: bool = True) -> list[Sample]:
    return [Sample(member, moment, moment + 0.1, yes) for moment in moments]


def test_two_members_one_after_the_other_do_not_overlap() -> None:
    assert overlap(samples("a", 1, 2, 3) + samples("b", 4, 5)) == (1, 0)


def test_two_members_at_the_same_time_overlap() -> None:
    most, seconds = overlap(samples("a", 1, 2, 3) + samples("b", 2, 3, 4))
    assert most == 2
    assert seconds == pytest.approx(0.9)


def test_a_no_ends_an_interval() -> None:
    found = samples("a", 1, 2) + samples("a", 3, yes=False) + samples("a", 6, 7) + samples("b", 4, 5)
    assert intervals(found)["a"] == [(1.1, 2), (6.1, 7)]
    assert overlap(found)[0] == 1
