"""What follows from the role, towards a mysqld and a Kubernetes API that only note what they are told."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pymysql
import pytest

from efishery_mysql_agent.accounts import Accounts
from efishery_mysql_agent.cluster import Cluster
from efishery_mysql_agent.model import NOBODY, Labels, LeaseState, Role, State, Status, View
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.store import Store
from efishery_mysql_agent.upkeep import Upkeep
from tests.unit.mysql_agent.conftest import GROUP, VIEW, online, outside, seen, without

PRIMARY, REPLICA = Labels(Role.PRIMARY), Labels(Role.REPLICA, reads=True)


@dataclass
class Told:
    """Mysqld, the Kubernetes API and the accounts in one."""

    pods: dict[str, Labels] = field(default_factory=dict)
    ended: int = 0
    read_only: bool = False
    recorded: list[View] = field(default_factory=list)
    force: str | None = None
    variables: dict[str, object] = field(default_factory=dict)

    def rows(self, statement: str, _values: object = ()) -> list[dict[str, Any]]:
        return [{"name": GROUP}] if "group_name" in statement else [{"id": 7}]

    def run(self, statement: str) -> None:
        self.ended += statement.startswith("KILL")

    def set_global(self, **variables: object) -> None:
        self.variables |= variables

    def labels(self, pod: str) -> Labels:
        return self.pods.get(pod, NOBODY)

    def set_labels(self, pod: str, labels: Labels) -> None:
        self.pods[pod] = labels

    def lease(self) -> LeaseState:
        return LeaseState(view=self.recorded[-1] if self.recorded else None, force=self.force)

    def record(self, _group: str, view: View) -> None:
        self.recorded.append(view)
        self.force = None

    @property
    def secrets(self) -> "Told":
        return self

    def all(self) -> dict[str, str]:
        return {"password": "one"}

    def ensure(self, _mysql: object) -> None:
        if self.read_only:
            raise pymysql.OperationalError(1290, "read-only")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def upkeep(told: Told, tmp_path: Path) -> Upkeep:
    return Upkeep("mysql-0", cast(Mysql, told), cast(Cluster, told), Store(tmp_path), cast(Accounts, told))


def test_a_primary_is_labelled_and_recorded(upkeep: Upkeep, told: Told) -> None:
    upkeep.keep(seen(online("mysql-0")))
    assert told.pods == {"mysql-0": PRIMARY}
    assert told.recorded == [VIEW]


def test_the_primary_takes_reads_until_clients_find_the_first_replica(
    upkeep: Upkeep, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = online("mysql-0")
    upkeep.keep(seen(replace(me, members=me.members[:1])))
    upkeep.keep(seen(me))
    assert told.pods == {"mysql-0": Labels(Role.PRIMARY, reads=True)}
    monkeypatch.setattr("efishery_mysql_agent.upkeep.HANDOVER_SECONDS", 0)
    upkeep.keep(seen(me))
    assert told.pods == {"mysql-0": PRIMARY}


def test_who_is_lost_loses_the_label(upkeep: Upkeep, told: Told) -> None:
    upkeep.keep(seen(online("mysql-0")))
    told.pods["mysql-2"] = REPLICA
    me = online("mysql-0")
    upkeep.keep(seen(replace(me, members=me.members[:2], view_id="100:4")))
    assert told.pods == {"mysql-0": PRIMARY, "mysql-2": NOBODY}


def test_a_member_that_stood_still_gets_its_label_back_only_when_confirmed(upkeep: Upkeep, told: Told) -> None:
    upkeep.keep(seen(online("mysql-0")))
    upkeep.keep(seen(Status("mysql-0"), doubted=True))
    assert told.pods == {"mysql-0": NOBODY}
    upkeep.keep(seen(online("mysql-0"), doubted=True))
    assert told.pods == {"mysql-0": NOBODY}
    upkeep.keep(seen(online("mysql-0")))
    assert told.pods == {"mysql-0": PRIMARY}


def test_a_member_that_the_group_has_gone_on_without_refuses_clients(upkeep: Upkeep, told: Told) -> None:
    me = online("mysql-0")
    upkeep.keep(seen(me, online("mysql-1"), doubted=True))
    assert told.variables == {}
    later = without(replace(online("mysql-1", primary="mysql-1"), view_id="100:4"), "mysql-0")
    upkeep.keep(seen(me, later, doubted=True))
    assert told.variables == {"offline_mode": 1}
    upkeep.keep(seen(replace(me, offline=True), later, doubted=True))
    assert told.variables == {"offline_mode": 1}
    upkeep.keep(seen(replace(me, offline=True)))
    assert told.variables == {"offline_mode": 0}


def test_an_agent_that_has_just_started_changes_no_label(upkeep: Upkeep, told: Told) -> None:
    told.pods["mysql-0"] = PRIMARY
    upkeep.keep(seen(online("mysql-0"), doubted=True))
    assert told.pods == {"mysql-0": PRIMARY}


@pytest.mark.parametrize("between", [[], [Status("mysql-0")]])
def test_clients_of_a_former_primary_are_cut_off(upkeep: Upkeep, told: Told, between: list[Status]) -> None:
    for status in [online("mysql-0"), *between, outside("mysql-0", state=State.ERROR)]:
        upkeep.keep(seen(status))
    assert told.ended == 1


def test_a_lease_that_was_made_again_is_written_again(
    upkeep: Upkeep, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep.keep(seen(online("mysql-0")))
    told.recorded.clear()
    upkeep.keep(seen(online("mysql-0")))
    assert told.recorded == []
    monkeypatch.setattr("efishery_mysql_agent.upkeep.CHECK_SECONDS", 0)
    upkeep.keep(seen(online("mysql-0")))
    assert told.recorded == [VIEW]


def test_a_reboot_that_was_asked_for_while_the_group_lives_is_not_kept_for_its_next_outage(
    upkeep: Upkeep, told: Told
) -> None:
    told.recorded, told.force = [VIEW], "mysql-1"
    upkeep.keep(seen(online("mysql-0")))
    assert told.force is None


def opened_by(upkeep: Upkeep, status: Status) -> bool:
    upkeep.keep(seen(status))
    return upkeep.opened


def test_clients_are_let_in_once_there_is_a_label_and_for_a_primary_the_accounts(upkeep: Upkeep, told: Told) -> None:
    lone = replace(online("mysql-0"), members=online("mysql-0").members[:1])
    assert not opened_by(upkeep, replace(lone, writable=False))
    told.read_only = True
    assert not opened_by(upkeep, lone)
    told.read_only = False
    assert opened_by(upkeep, lone)
    assert opened_by(upkeep, replace(lone, writable=False)), "no change of the primary takes a member from the Services"


def test_clients_are_let_in_to_a_replica_that_has_its_label(upkeep: Upkeep) -> None:
    assert not opened_by(upkeep, outside("mysql-0"))
    assert opened_by(upkeep, online("mysql-0", primary="mysql-1"))
