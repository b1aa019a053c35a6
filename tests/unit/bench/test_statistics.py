"""Medians, spreads and ratios of rounds."""

import pytest

from bench.statistics import Summary, differences, ratio, rotated, summarize


def test_a_summary_has_the_median_and_both_ends() -> None:
    assert summarize([3, 1, 10]) == Summary(3, 1, 10)
    assert summarize([4, 2]) == Summary(3, 2, 4)


def test_without_rounds_there_is_no_summary() -> None:
    with pytest.raises(ValueError, match="no rounds"):
        summarize([])


def test_a_ratio_is_taken_within_each_round() -> None:
    # The machine was twice as slow in the second round: the ratio is the same, though the medians' is not.
    assert ratio([100, 50, 100], [50, 25, 50]) == Summary(2, 2, 2)
    # The median of the rounds' ratios (1/4, 1, 4), not the ratio of the medians (2/4).
    assert ratio([1, 4, 2], [4, 4, 0.5]) == Summary(1, 0.25, 4)


@pytest.mark.parametrize(("ours", "theirs"), [([1.0], [1.0, 2.0]), ([1.0], [0.0]), ([1.0], [-1.0]), ([], [])])
def test_rounds_that_do_not_pair_or_divide_have_no_ratio(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match=r"rounds|ratio"):
        ratio(ours, theirs)


def test_differences_are_taken_within_each_round() -> None:
    assert differences([5, 9, 4], [3, 8, 4]) == Summary(1, 0, 2)
    with pytest.raises(ValueError, match="pairs"):
        differences([1], [])


def test_each_round_begins_with_another_target() -> None:
    items = ["a", "b", "c"]
    assert [rotated(items, number)[0] for number in range(4)] == ["a", "b", "c", "a"]
    assert sorted(rotated(items, 2)) == items
    assert rotated([], 3) == []
