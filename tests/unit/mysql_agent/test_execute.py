"""The order in which an action is carried out: what must not be missing after a crash is written first."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pymysql
import pytest

from efishery_mysql_agent.accounts import Accounts
from efishery_mysql_agent.actions import Action, Bootstrap, Clone, Join, Reboot, Restart
from efishery_mysql_agent.cluster import Cluster, ClusterError, Superseded
from efishery_mysql_agent.execute import Executor
from efishery_mysql_agent.model import LeaseState
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.settings import AgentSettings
from efishery_mysql_agent.store import Store, Stored
from tests.unit.mysql_agent.conftest import FORMED, GROUP, VIEW
from tests.unit.mysql_agent.test_cluster import Api, cluster_of


@dataclass
class Stub:
    """Mysqld, the Kubernetes API and the accounts in one: `calls` has what they were asked to do."""

    folder: Path
    conflict: bool = False
    calls: list[str] = field(default_factory=list)
    fails: str = ""  # the statement that MySQL refuses
    engine_left_behind: bool = False
    acquired: int = 0  # the epoch
    # The Lease's, where another member has taken it since, or its time has expired.
    lease_epoch: int | None = None
    holder: str | None = "mysql-0"

    @property
    def epoch(self) -> int:
        return Store(self.folder).current.epoch

    def acquire(self, _lease: LeaseState, epoch: int, group: str) -> None:
        if self.conflict:
            raise ClusterError("409 Conflict")
        self.calls.append(f"acquire {epoch} {group}")
        self.acquired = epoch

    claim = acquire

    def lease(self) -> LeaseState:
        return replace(FORMED, epoch=self.lease_epoch or self.acquired, holder=self.holder)

    def run(self, statement: str) -> None:
        self.calls.append(statement)
        self.refuse(statement)

    def refuse(self, statement: str) -> None:
        if self.fails and self.fails in statement:
            raise pymysql.OperationalError(3095, "The STOP GROUP_REPLICATION command execution is incomplete")

    def rows(self, statement: str, _values: object = ()) -> list[dict[str, Any]]:
        if "error_log" in statement:
            return [{"1": 1}] if self.engine_left_behind else []
        self.refuse(statement)
        self.calls.append(f"{statement.partition(' USER')[0]}, stored epoch {self.epoch}")
        return []

    def set_global(self, **_variables: object) -> None: ...

    def unlabel(self, pods: Iterable[str]) -> None:
        self.calls.append(f"unlabel {len(list(pods))}")

    def event(self, _kind: str, reason: str, _message: str) -> None:
        self.calls.append(reason)

    def acquisitions(self) -> list[str]:
        return [call.split()[2] for call in self.calls if call.startswith("acquire")]

    def ensure_replication(self, _mysql: object) -> None: ...

    @property
    def secrets(self) -> "Stub":
        return self

    def read(self, _key: str) -> str:
        return "password"


@pytest.fixture
def stub(tmp_path: Path) -> Stub:
    Store(tmp_path).write(Stored(GROUP, VIEW, VIEW.epoch))
    return Stub(tmp_path)


def executor_of(stub: Stub) -> Executor:
    settings = AgentSettings(pod="mysql-0", namespace="db")
    parts = cast(Mysql, stub), cast(Cluster, stub), Store(stub.folder), cast(Accounts, stub)
    return Executor(settings, *parts)


def execute(stub: Stub, action: Action) -> None:
    executor_of(stub).execute(action)


STARTED = ["STOP GROUP_REPLICATION", "START GROUP_REPLICATION, stored epoch 5", "Started"]


def test_a_group_is_started_after_the_lease_was_taken_and_its_epoch_stored(stub: Stub) -> None:
    execute(stub, Reboot(FORMED, 5))
    assert stub.calls == [f"acquire 5 {GROUP}", *STARTED]


def test_a_new_group_has_the_name_that_was_claimed_before_or_a_new_one(stub: Stub) -> None:
    execute(stub, Bootstrap(FORMED, 5, "claimed"))
    assert stub.calls == ["acquire 5 claimed", *STARTED]
    stub.calls.clear()
    execute(stub, Bootstrap(FORMED, 5))
    assert GROUP not in stub.calls[0]
    assert len(stub.calls[0]) == len(f"acquire 5 {GROUP}")


def test_the_newest_data_keep_their_group_whatever_an_older_member_wrote_into_the_lease(stub: Stub) -> None:
    execute(stub, Reboot(replace(FORMED, group="older"), 5))
    assert stub.calls == [f"acquire 5 {GROUP}", *STARTED]


def test_the_name_of_a_former_group_is_not_used_again(stub: Stub) -> None:
    execute(stub, Reboot(replace(FORMED, group="newer", former=(GROUP,)), 5))
    assert stub.calls == ["acquire 5 newer", *STARTED]


def test_a_forced_start_has_another_name(stub: Stub) -> None:
    execute(stub, Reboot(FORMED, 5, forced=True))
    assert GROUP not in stub.calls[0]


def test_before_a_forced_start_no_other_member_keeps_a_label(stub: Stub) -> None:
    execute(stub, Reboot(FORMED, 5, forced=True))
    assert stub.calls[1:] == ["unlabel 8", *STARTED]


@pytest.mark.parametrize("action", [Reboot(FORMED, 5), Bootstrap(FORMED, 5)])
def test_nothing_is_started_with_a_lease_that_was_changed(stub: Stub, action: Action) -> None:
    stub.conflict = True
    with pytest.raises(ClusterError):
        execute(stub, action)
    assert stub.calls == []
    assert stub.epoch == VIEW.epoch


@pytest.mark.parametrize("action", [Reboot(FORMED, 5), Reboot(FORMED, 5, forced=True), Bootstrap(FORMED, 5)])
@pytest.mark.parametrize(("epoch", "holder"), [(6, "mysql-1"), (6, "mysql-0"), (5, None), (5, "mysql-1")])
def test_nothing_is_started_with_a_lease_that_expired_or_was_taken_while_this_member_left_its_group(
    stub: Stub, action: Action, epoch: int, holder: str | None
) -> None:
    stub.lease_epoch, stub.holder = epoch, holder
    with pytest.raises(Superseded):
        execute(stub, action)
    forced = isinstance(action, Reboot) and action.forced
    assert stub.calls[1:] == [*(["unlabel 8"] if forced else []), "STOP GROUP_REPLICATION"]


def test_a_forced_start_that_failed_is_repeated_with_the_same_name(stub: Stub) -> None:
    """The Lease keeps the name of each former group."""
    executor, lease = executor_of(stub), FORMED
    stub.fails = "START GROUP_REPLICATION"
    for epoch in (5, 6, 7):
        with pytest.raises(pymysql.MySQLError):
            executor.execute(Reboot(lease, epoch, forced=True))
        lease = replace(FORMED, epoch=epoch, group=stub.acquisitions()[-1])
    assert len(set(stub.acquisitions())) == 1
    with pytest.raises(pymysql.MySQLError):
        executor.execute(Reboot(replace(lease, epoch=9), 10, forced=True))
    assert len(set(stub.acquisitions())) == 2, "another member has taken the Lease in between"


def test_a_forced_start_after_one_that_succeeded_has_a_new_name(stub: Stub) -> None:
    """Others may have joined, and have transactions that this member lacks."""
    executor = executor_of(stub)
    executor.execute(Reboot(FORMED, 5, forced=True))
    executor.execute(Reboot(replace(FORMED, epoch=5, group=stub.acquisitions()[0]), 6, forced=True))
    assert len(set(stub.acquisitions())) == 2


def test_a_member_stores_the_epoch_of_the_group_that_it_joins(stub: Stub) -> None:
    execute(stub, Join(GROUP, ("mysql-1",), 7))
    assert stub.calls[-1] == "START GROUP_REPLICATION, stored epoch 7"


@pytest.mark.parametrize("action", [Join(GROUP, ("mysql-1",), 7), Reboot(FORMED, 5)])
def test_a_member_enters_a_group_in_a_new_process_if_it_has_left_the_engine_of_another_behind(
    stub: Stub, action: Action
) -> None:
    stub.engine_left_behind = True
    execute(stub, action)
    assert stub.calls[-4:] == ["STOP GROUP_REPLICATION"] * 2 + ["RESTART", "Restarting"]
    assert not [call for call in stub.calls if call.startswith("START")]


def test_a_member_that_hangs_leaves_before_its_mysqld_ends(stub: Stub) -> None:
    execute(stub, Restart())
    assert stub.calls == ["STOP GROUP_REPLICATION", "RESTART", "Restarting"]


def test_a_member_that_hangs_and_cannot_leave_is_restarted(stub: Stub) -> None:
    stub.fails = "STOP GROUP_REPLICATION"
    execute(stub, Restart())
    assert stub.calls == ["STOP GROUP_REPLICATION", "RESTART", "Restarting"]


def test_a_member_that_hangs_is_restarted_while_the_api_does_not_answer(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stub, "event", cluster_of(Api({}), monkeypatch).event)
    execute(stub, Restart())
    assert stub.calls == ["STOP GROUP_REPLICATION", "RESTART"]


def test_an_errant_member_clones_while_the_api_does_not_answer(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stub, "event", cluster_of(Api({}), monkeypatch).event)
    execute(stub, Clone("mysql-1", "x:1"))
    assert stub.calls[-1].startswith("CLONE INSTANCE")


def test_a_volume_whose_data_are_replaced_is_of_no_group(stub: Stub) -> None:
    execute(stub, Clone("mysql-1", ""))
    assert stub.calls[-1].endswith("stored epoch 0"), "an incomplete clone is no group's data"
    assert Store(stub.folder).current == Stored()
