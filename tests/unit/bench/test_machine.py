"""Readings of the machine."""

import pytest

from bench.machine import Ticks, busy, parse_ticks, pinned

STAT = """\
cpu  100 0 100 800 0 0 0 0 0 0
cpu0 60 0 30 400 10 0 5 0 7 0
cpu1 40 0 70 400 0 0 0 0 0 0
cpu10 1 1 1 1 1 1 1 1 1 1
"""


def test_the_ticks_are_those_of_the_core_without_counting_guests_twice() -> None:
    assert parse_ticks(STAT, 0) == Ticks(total=505, idle=410)
    assert parse_ticks(STAT, 1) == Ticks(total=510, idle=400)


@pytest.mark.parametrize(
    ("after", "share"), [(Ticks(200, 50), 1.0), (Ticks(200, 150), 0.0), (Ticks(200, 75), 0.75), (Ticks(100, 50), 0.0)]
)
def test_busy_is_the_share_of_time_that_was_not_idle(after: Ticks, share: float) -> None:
    assert busy(Ticks(100, 50), after) == share


def test_a_pinned_command_has_one_core() -> None:
    assert pinned(1, ("nginx", "-v")) == ("taskset", "--cpu-list", "1", "nginx", "-v")
