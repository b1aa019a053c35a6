"""The labels by which Services select a member are removed before it could give wrong answers."""

from dataclasses import replace

import pytest

from efishery_mysql_agent.decide import labels
from efishery_mysql_agent.doubt import confirmed
from efishery_mysql_agent.model import NO_LABELS, Labels, Role, State, Status
from tests.unit.mysql_agent.conftest import members, online, outside, seen, without

PRIMARY, REPLICA = Labels(Role.PRIMARY), Labels(Role.REPLICA, reads=True)


def test_by_role() -> None:
    assert labels(seen(online("mysql-0"))) == PRIMARY
    assert labels(seen(online("mysql-1"))) == REPLICA


def test_while_there_is_no_replica_the_primary_takes_reads() -> None:
    me = online("mysql-0")
    assert labels(seen(replace(me, members=me.members[:1]))) == Labels(Role.PRIMARY, reads=True)
    joining = (me.members[0], replace(me.members[1], state=State.RECOVERING))
    assert labels(seen(replace(me, members=joining))) == Labels(Role.PRIMARY, reads=True)


@pytest.mark.parametrize("pod", ["mysql-0", "mysql-1"])
def test_an_isolated_member_has_none(pod: str) -> None:
    lost = tuple({"mysql-0", "mysql-1", "mysql-2"} - {pod})
    assert labels(seen(online(pod, lost=lost))) == NO_LABELS


@pytest.mark.parametrize("state", [State.RECOVERING, State.OFFLINE, State.ERROR])
def test_only_online_members_have_one(state: State) -> None:
    assert labels(seen(replace(online("mysql-1"), state=state))) == NO_LABELS
    assert labels(seen(outside("mysql-1", state=state))) == NO_LABELS


def test_a_mysqld_that_does_not_answer_has_none() -> None:
    assert labels(seen(Status("mysql-0"))) == NO_LABELS


def test_a_new_primary_gets_it_once_it_takes_writes() -> None:
    assert labels(seen(replace(online("mysql-0"), writable=False))) == NO_LABELS


def test_offline_mode_has_none() -> None:
    assert labels(seen(replace(online("mysql-1"), offline=True))) == NO_LABELS


def test_a_leaving_replica_has_none_and_a_leaving_primary_keeps_it_until_another_is_elected() -> None:
    assert labels(seen(online("mysql-1"), leaving=True)) == NO_LABELS
    assert labels(seen(online("mysql-0"), leaving=True)) == PRIMARY


def test_another_member_of_the_same_view_confirms() -> None:
    me = online("mysql-0")
    assert confirmed(me, (online("mysql-1"),))
    assert confirmed(me, (replace(online("mysql-1"), state=State.RECOVERING),)), "it is in the view, too"
    assert confirmed(replace(me, members=me.members[:1]), ()), "alone, it is the majority"


@pytest.mark.parametrize(
    "peer",
    [
        outside("mysql-1"),
        online("mysql-1", lost=("mysql-0",)),
        online("mysql-1", primary="mysql-1"),
        replace(online("mysql-1"), view_id="100:4"),
        without(replace(online("mysql-1", primary="mysql-1"), view_id="100:4"), "mysql-0"),
    ],
)
def test_a_paused_primary_does_not_confirm_itself(peer: Status) -> None:
    assert not confirmed(online("mysql-0"), ())
    assert not confirmed(online("mysql-0"), (peer,))


LATER = without(replace(online("mysql-1", primary="mysql-1"), view_id="100:4"), "mysql-0")


def test_a_later_view_of_a_majority_without_the_member_refutes_it() -> None:
    me = online("mysql-0")
    assert me.refuted_by((LATER,))
    started_again = replace(LATER, view_id="200:1", epoch=me.epoch + 1)
    assert me.refuted_by((outside("mysql-2"), started_again))


@pytest.mark.parametrize(
    "peer",
    [
        replace(LATER, state=State.RECOVERING),  # it may not have all of the view yet
        replace(LATER, members=(LATER.members[0], replace(LATER.members[1], state=State.UNREACHABLE))),
        replace(LATER, view_id="100:2"),
        replace(LATER, view_id="200:1"),  # of another start, of which nobody knows whether it was later
        replace(online("mysql-1"), view_id="100:4"),
    ],
)
def test_nothing_else_refutes_it(peer: Status) -> None:
    assert not online("mysql-0").refuted_by((peer,))


def test_of_two_groups_that_live_the_later_one_counts() -> None:
    former = replace(online("mysql-0"), members=members()[:1])
    forced = replace(online("mysql-1"), members=members("mysql-1")[1:2], view_id="200:1", epoch=5, group="new")
    assert seen(outside("mysql-2"), former, forced).live == (forced,)
