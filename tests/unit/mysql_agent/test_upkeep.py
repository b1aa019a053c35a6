"""What follows from the role, towards a mysqld and a Kubernetes API that only note what they are told."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from efishery_mysql_agent.accounts import Accounts
from efishery_mysql_agent.cluster import Cluster
from efishery_mysql_agent.model import LeaseState, Role, State, Status, View
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.store import Store
from efishery_mysql_agent.upkeep import Upkeep
from tests.unit.mysql_agent.conftest import GROUP, VIEW, online, outside, seen, without


@dataclass
class Told:
    """Mysqld, the Kubernetes API and the accounts in one."""

    labels: dict[str, str | None] = field(default_factory=dict)
    ended: int = 0
    recorded: list[View] = field(default_factory=list)
    variables: dict[str, object] = field(default_factory=dict)

    def rows(self, statement: str, _values: object = ()) -> list[dict[str, Any]]:
        return [{"name": GROUP}] if "group_name" in statement else [{"id": 7}]

    def run(self, statement: str) -> None:
        self.ended += statement.startswith("KILL")

    def set_global(self, **variables: object) -> None:
        self.variables |= variables

    def label(self, pod: str) -> str | None:
        return self.labels.get(pod)

    def set_label(self, pod: str, role: Role | None) -> None:
        self.labels[pod] = role

    def lease(self) -> LeaseState:
        return LeaseState(view=self.recorded[-1] if self.recorded else None)

    def record(self, _group: str, view: View) -> None:
        self.recorded.append(view)

    @property
    def secrets(self) -> "Told":
        return self

    def all(self) -> dict[str, str]:
        return {"password": "one"}

    def ensure(self, mysql: object) -> None:
        pass


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def upkeep(told: Told, tmp_path: Path) -> Upkeep:
    return Upkeep("mysql-0", cast(Mysql, told), cast(Cluster, told), Store(tmp_path), cast(Accounts, told))


def test_a_primary_is_labelled_and_recorded(upkeep: Upkeep, told: Told) -> None:
    upkeep.keep(seen(online("mysql-0")))
    assert told.labels == {"mysql-0": "primary"}
    assert told.recorded == [VIEW]


def test_who_is_lost_loses_the_label(upkeep: Upkeep, told: Told) -> None:
    upkeep.keep(seen(online("mysql-0")))
    told.labels["mysql-2"] = "replica"
    me = online("mysql-0")
    upkeep.keep(seen(replace(me, members=me.members[:2], view_id="100:4")))
    assert told.labels == {"mysql-0": "primary", "mysql-2": None}


def test_a_member_that_stood_still_gets_its_label_back_only_when_confirmed(upkeep: Upkeep, told: Told) -> None:
    upkeep.keep(seen(online("mysql-0")))
    upkeep.keep(seen(Status("mysql-0"), doubted=True))
    assert told.labels == {"mysql-0": None}
    upkeep.keep(seen(online("mysql-0"), doubted=True))
    assert told.labels == {"mysql-0": None}
    upkeep.keep(seen(online("mysql-0")))
    assert told.labels == {"mysql-0": "primary"}


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
    told.labels["mysql-0"] = "primary"
    upkeep.keep(seen(online("mysql-0"), doubted=True))
    assert told.labels == {"mysql-0": "primary"}


@pytest.mark.parametrize("between", [[], [Status("mysql-0")]])
def test_clients_of_a_former_primary_are_cut_off(upkeep: Upkeep, told: Told, between: list[Status]) -> None:
    for status in [online("mysql-0"), *between, outside("mysql-0", state=State.ERROR)]:
        upkeep.keep(seen(status))
    assert told.ended == 1
