"""Medians, spreads and ratios of the rounds. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Summary:
    """The median of the rounds, and the lowest and the highest, all in the unit of the values."""

    median: float
    low: float
    high: float


def summarize(values: Sequence[float]) -> Summary:
    """Summarize one value for each round; raises ValueError without any."""
    if not values:
        raise ValueError("no rounds to summarize")
    return Summary(median(values), min(values), max(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Summary:
    """Summarize ours / theirs.

    Each round is divided on its own: what slows the machine for a while slows both sides of a round.
    Raises ValueError if the rounds do not pair, or if one of theirs is not positive.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds against {len(theirs)}: a ratio needs pairs")
    if any(value <= 0 for value in theirs):
        raise ValueError("a value that is not positive has no ratio")
    return summarize([our / their for our, their in zip(ours, theirs, strict=True)])


def differences(ours: Sequence[float], theirs: Sequence[float]) -> Summary:
    """Summarize ours - theirs, round by round; raises ValueError if the rounds do not pair."""
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds against {len(theirs)}: a difference needs pairs")
    return summarize([our - their for our, their in zip(ours, theirs, strict=True)])


def rotated(items: Sequence[T], by: int) -> list[T]:
    """Return the items in the order of round `by`: each round begins with another one."""
    start = by % len(items) if items else 0
    return [*items[start:], *items[:start]]
