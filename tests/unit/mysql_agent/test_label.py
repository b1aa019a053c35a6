"""The label by which clients find a member goes before the member could answer wrongly."""

from dataclasses import replace

import pytest

from efishery_mysql_agent.decide import confirmed, label
from efishery_mysql_agent.model import Role, State, Status
from tests.unit.mysql_agent.conftest import online, outside, seen, without


def test_by_role() -> None:
    assert label(seen(online("mysql-0"))) is Role.PRIMARY
    assert label(seen(online("mysql-1"))) is Role.REPLICA


@pytest.mark.parametrize("pod", ["mysql-0", "mysql-1"])
def test_an_isolated_member_has_none(pod: str) -> None:
    lost = tuple({"mysql-0", "mysql-1", "mysql-2"} - {pod})
    assert label(seen(online(pod, lost=lost))) is None


@pytest.mark.parametrize("state", [State.RECOVERING, State.OFFLINE, State.ERROR])
def test_only_online_members_have_one(state: State) -> None:
    assert label(seen(replace(online("mysql-1"), state=state))) is None
    assert label(seen(outside("mysql-1", state=state))) is None


def test_a_mysqld_that_does_not_answer_has_none() -> None:
    assert label(seen(Status("mysql-0"))) is None


def test_a_new_primary_gets_it_once_it_takes_writes() -> None:
    assert label(seen(replace(online("mysql-0"), writable=False))) is None


def test_offline_mode_has_none() -> None:
    assert label(seen(replace(online("mysql-1"), offline=True))) is None


def test_who_leaves_takes_no_new_readers_and_writers_until_another_does() -> None:
    assert label(seen(online("mysql-1"), leaving=True)) is None
    assert label(seen(online("mysql-0"), leaving=True)) is Role.PRIMARY


def test_another_member_of_the_same_view_confirms_what_one_says_of_the_group() -> None:
    me = online("mysql-0")
    assert confirmed(me, (online("mysql-1"),))
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
def test_a_primary_that_stood_still_is_not_believed_on_its_own_word(peer: Status) -> None:
    assert not confirmed(online("mysql-0"), ())
    assert not confirmed(online("mysql-0"), (peer,))
