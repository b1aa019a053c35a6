"""A member whose Group Replication hangs: what the others say of themselves contradicts what its mysqld shows."""

import time
from dataclasses import replace

import pytest

from efishery_mysql_agent.actions import Leave, Restart, Serve
from efishery_mysql_agent.decide import decide
from efishery_mysql_agent.hang import CHECK_SECONDS, HANG_SECONDS, Hang, abandoned
from efishery_mysql_agent.model import Member, Role, State, Status
from tests.unit.mysql_agent.conftest import online, outside, seen, without

ME = online("mysql-1")
LEFT = tuple(outside(pod, state=state) for pod, state in (("mysql-0", State.ERROR), ("mysql-2", State.OFFLINE)))
IN_GROUP = (online("mysql-0"), online("mysql-2"))
# The group has gone on without mysql-1.
LATER = tuple(replace(without(peer, "mysql-1"), view_id="100:4") for peer in IN_GROUP)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in a list that a test changes."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def checks(clock: list[float], *answers: tuple[Status, ...]) -> list[bool]:
    """Check at each CHECK_SECONDS with these peers."""
    hang, found = Hang(), []
    for peers in answers:
        clock[0] += CHECK_SECONDS
        assert hang.is_due
        found.append(hang.check(ME, peers))
        assert not hang.is_due
    return found


ENOUGH = HANG_SECONDS // CHECK_SECONDS


@pytest.mark.parametrize("peers", [LEFT, LATER])
def test_a_member_that_the_others_contradict_for_long_hangs(clock: list[float], peers: tuple[Status, ...]) -> None:
    assert checks(clock, *[peers] * (ENOUGH + 1)) == [*[False] * ENOUGH, True]


def test_an_agreement_in_between_starts_the_time_again(clock: list[float]) -> None:
    assert not any(checks(clock, *[LEFT] * ENOUGH, IN_GROUP, *[LEFT] * ENOUGH))


def test_an_agent_that_was_stopped_meanwhile_starts_again(clock: list[float]) -> None:
    hang = Hang()
    clock[0] += CHECK_SECONDS
    assert not hang.check(ME, LEFT)
    clock[0] += HANG_SECONDS
    assert not hang.check(ME, LEFT), "nothing is known of the time in between"


def test_a_member_that_was_not_online_starts_again(clock: list[float]) -> None:
    hang = Hang()
    clock[0] += CHECK_SECONDS
    hang.check(ME, LEFT)
    clock[0] += HANG_SECONDS
    hang.forget()
    assert not hang.is_due
    assert not hang.check(ME, LEFT)


@pytest.mark.parametrize(
    "peers",
    [
        IN_GROUP,
        (LEFT[0], IN_GROUP[1]),  # one of three: the others are a majority
        (LEFT[0], replace(IN_GROUP[1], state=State.RECOVERING)),
        (outside("mysql-3"),),  # no member of the view
        (),  # nobody says that a member has left
        (Status("mysql-0"), Status("mysql-2")),
    ],
)
def test_a_view_that_no_member_has_left_or_of_which_a_majority_is_left_is_not_abandoned(
    peers: tuple[Status, ...],
) -> None:
    assert not abandoned(ME, peers)


@pytest.mark.parametrize(
    "peers",
    [
        LEFT,
        LEFT[:1],  # the third does not answer, as where its node is lost
        LEFT[1:],
        (LEFT[0], Status("mysql-2")),  # its mysqld does not answer
        (LEFT[0], outside("mysql-3")),
    ],
)
def test_without_those_that_left_and_those_that_do_not_answer_a_view_has_no_majority(
    peers: tuple[Status, ...],
) -> None:
    assert abandoned(ME, peers)


def test_half_of_a_view_is_no_majority() -> None:
    four = replace(ME, members=(*ME.members, Member("mysql-3", State.ONLINE, Role.REPLICA)))
    assert abandoned(four, (LEFT[0], LEFT[1], online("mysql-3")))
    assert not abandoned(four, (LEFT[0], IN_GROUP[1], online("mysql-3")))


def test_alone_a_member_is_never_abandoned() -> None:
    alone = replace(ME, members=tuple(member for member in ME.members if member.pod == ME.pod))
    assert not abandoned(alone, LEFT)


def test_it_is_restarted_unless_it_leaves_anyway() -> None:
    assert decide(seen(ME, *LEFT, hangs=True)) == Restart()
    assert decide(seen(replace(ME, state=State.RECOVERING), *LEFT, hangs=True)) == Restart()
    assert decide(seen(ME, *LEFT)) == Serve()
    assert isinstance(decide(seen(ME, *LEFT, hangs=True, leaving=True)), Leave)
