"""Goals: what each compares, and when it is met."""

import pytest

from bench.results import Figure, Goal, goals, login_goals
from bench.scenarios import NOT_MODIFIED
from bench.statistics import Summary
from bench.targets import FASTAPI_CACHE, FASTAPI_RECOMPUTE, GO_MEMO, NGINX, SERVICE
from tests.unit.bench.support import LOGINS, RESULTS, key


def test_a_goal_of_throughput_is_met_from_its_bound_up() -> None:
    goal = Goal(Figure.THROUGHPUT, key(GO_MEMO), 0.7)
    assert goal.measure(RESULTS) == Summary(0.7, 0.5, 1.0)
    assert goal.is_met(Summary(0.7, 0.5, 1.0))
    assert not goal.is_met(Summary(0.69, 0.5, 1.0))


def test_a_goal_of_latency_is_met_up_to_its_bound() -> None:
    goal = Goal(Figure.P99, key(NGINX), 3)
    measured = goal.measure(RESULTS)
    assert measured is not None
    assert (measured.median, measured.low, measured.high) == pytest.approx((4, 2, 4))
    assert not goal.is_met(measured)
    assert goal.is_met(Summary(3, 2, 4))


def test_the_service_is_compared_with_itself_for_304() -> None:
    goal = Goal(Figure.THROUGHPUT, key(SERVICE), 1.2, scenario=NOT_MODIFIED.name)
    assert goal.measure(RESULTS) == Summary(1.5, 1.0, 1.5)


@pytest.mark.parametrize(
    "goal",
    [
        Goal(Figure.THROUGHPUT, key(FASTAPI_CACHE), 5),
        Goal(Figure.THROUGHPUT, key(GO_MEMO, rows=10_000), 0.9),
        Goal(Figure.P99, key(FASTAPI_RECOMPUTE), 3),
    ],
)
def test_what_was_not_measured_has_no_ratio(goal: Goal) -> None:
    assert goal.measure(RESULTS) is None


def test_more_is_asked_against_go_where_the_list_is_long() -> None:
    bounds = {rows: next(goal.bound for goal in goals(rows) if goal.other.target == GO_MEMO) for rows in (219, 10_000)}
    assert bounds == {219: 0.7, 10_000: 0.9}


def test_logins_are_compared_with_the_loop_and_the_list_with_itself() -> None:
    measured = [(goal.measure(LOGINS), goal.sign, goal.bound) for goal in login_goals()]
    assert measured == [
        (Summary(0.9, 0.8, 1.0), "≥", 0.9),
        (Summary(0.45, 0.4, 0.5), "≥", 0.9),
        (Summary(2.75, 1.5, 4.0), "≤", 2),
    ]
