"""Labels, connections, the Lease and the accounts follow the role; mysqld and the API are stubs that record calls."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pymysql
import pytest

from efishery_mysql_agent.accounts import Accounts, Secrets
from efishery_mysql_agent.cluster import Cluster, ClusterError, Conflict, MalformedLease, NotFound
from efishery_mysql_agent.model import NO_LABELS, Labels, LeaseState, Member, Observation, Role, State, Status, View
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.reconcile import Reconciler
from efishery_mysql_agent.store import Store, Stored
from tests.unit.mysql_agent.conftest import GROUP, PODS, VIEW, online, outside, seen, without

PRIMARY, REPLICA = Labels(Role.PRIMARY), Labels(Role.REPLICA, reads=True)
PEERS = [f"mysql-{number}" for number in range(1, 9)]


@dataclass
class Stub:
    """Mysqld, the Kubernetes API and the accounts in one, with what they were last set to."""

    pods: dict[str, Labels] = field(default_factory=dict)
    ended: int = 0
    read_only: bool = False
    recorded: list[View] = field(default_factory=list)
    force: str | None = None
    holder: str | None = None
    variables: dict[str, object] = field(default_factory=dict)
    ensured: int = 0
    api_fails: bool = False
    group: str = GROUP
    formed: bool = True

    def rows(self, statement: str, _values: object = ()) -> list[dict[str, Any]]:
        return [{"name": GROUP}] if "group_name" in statement else [{"id": 7}]

    def run(self, statement: str) -> None:
        self.ended += statement.startswith("KILL")

    def set_global(self, **variables: object) -> None:
        self.variables |= variables

    def labels(self, pod: str) -> Labels:
        if pod not in PODS:
            raise NotFound("404 Not Found")
        return self.pods.get(pod, NO_LABELS)

    def set_labels(self, pod: str, labels: Labels) -> None:
        if self.api_fails:
            raise ClusterError("timed out")
        self.pods[pod] = labels

    def unlabel(self, pods: Iterable[str]) -> None:
        for pod in set(pods) & set(self.pods):
            self.set_labels(pod, NO_LABELS)

    def lease(self) -> LeaseState:
        view = self.recorded[-1] if self.recorded else None
        return LeaseState(group=self.group, formed=self.formed, view=view, force_reboot=self.force, holder=self.holder)

    def record(self, lease: LeaseState, group: str, view: View) -> None:
        assert lease == self.lease(), "the one that was read"
        self.recorded.append(view)
        self.group, self.formed = group, True
        self.force = self.holder = None

    @property
    def secrets(self) -> "Stub":
        return self

    def all(self) -> dict[str, str]:
        return {"password": "one"}

    def ensure(self, _mysql: object) -> None:
        if self.read_only:
            raise pymysql.OperationalError(1290, "read-only")
        self.ensured += 1


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def reconciler(stub: Stub, tmp_path: Path) -> Reconciler:
    return Reconciler("mysql-0", PEERS, cast(Mysql, stub), cast(Cluster, stub), Store(tmp_path), cast(Accounts, stub))


def test_a_primary_is_labelled_and_recorded(reconciler: Reconciler, stub: Stub) -> None:
    reconciler.reconcile(seen(online("mysql-0")))
    assert stub.pods == {"mysql-0": PRIMARY}
    assert stub.recorded == [VIEW]


def test_a_first_group_is_recorded_before_its_primary_is_labelled(
    reconciler: Reconciler, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.formed = False
    monkeypatch.setattr("efishery_mysql_agent.periodic.RETRY_SECONDS", 0)
    with monkeypatch.context() as context:
        context.setattr(stub, "record", _conflict)
        reconciler.reconcile(seen(online("mysql-0")))
        assert stub.pods == {}
    reconciler.reconcile(seen(online("mysql-0")))
    assert stub.pods == {"mysql-0": PRIMARY}
    assert stub.recorded == [VIEW]


@pytest.mark.parametrize("error", [NotFound("404"), MalformedLease("epoch")])
def test_a_primary_is_labelled_without_a_readable_lease(
    reconciler: Reconciler, stub: Stub, monkeypatch: pytest.MonkeyPatch, error: ClusterError
) -> None:
    def fails() -> LeaseState:
        raise error

    monkeypatch.setattr(stub, "lease", fails)
    reconciler.reconcile(seen(online("mysql-0")))
    assert stub.pods == {"mysql-0": PRIMARY}


def _conflict(*_: object) -> None:
    raise Conflict("409")


def test_the_primary_takes_reads_until_clients_find_the_first_replica(
    reconciler: Reconciler, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = online("mysql-0")
    reconciler.reconcile(seen(replace(me, members=me.members[:1])))
    reconciler.reconcile(seen(me))
    assert stub.pods == {"mysql-0": Labels(Role.PRIMARY, reads=True)}
    monkeypatch.setattr("efishery_mysql_agent.reconcile.HANDOVER_SECONDS", 0)
    reconciler.reconcile(seen(me))
    assert stub.pods == {"mysql-0": PRIMARY}


def test_a_lost_member_loses_its_labels(reconciler: Reconciler, stub: Stub) -> None:
    reconciler.reconcile(seen(online("mysql-0")))
    stub.pods["mysql-2"] = REPLICA
    me = online("mysql-0")
    reconciler.reconcile(seen(replace(me, members=me.members[:2], view_id="100:4")))
    assert stub.pods == {"mysql-0": PRIMARY, "mysql-2": NO_LABELS}


def test_a_paused_member_gets_its_labels_back_only_when_confirmed(reconciler: Reconciler, stub: Stub) -> None:
    reconciler.reconcile(seen(online("mysql-0")))
    reconciler.reconcile(seen(Status("mysql-0"), unconfirmed=True))
    assert stub.pods == {"mysql-0": NO_LABELS}
    reconciler.reconcile(seen(online("mysql-0"), unconfirmed=True))
    assert stub.pods == {"mysql-0": NO_LABELS}
    reconciler.reconcile(seen(online("mysql-0")))
    assert stub.pods == {"mysql-0": PRIMARY}


def test_a_member_that_the_group_has_gone_on_without_refuses_clients(reconciler: Reconciler, stub: Stub) -> None:
    me = online("mysql-0")
    reconciler.reconcile(seen(me, online("mysql-1"), unconfirmed=True))
    assert stub.variables == {}
    later = without(replace(online("mysql-1", primary="mysql-1"), view_id="100:4"), "mysql-0")
    reconciler.reconcile(seen(me, later, unconfirmed=True))
    assert stub.variables == {"offline_mode": 1}
    reconciler.reconcile(seen(replace(me, offline=True), later, unconfirmed=True))
    assert stub.variables == {"offline_mode": 1}
    reconciler.reconcile(seen(replace(me, offline=True)))
    assert stub.variables == {"offline_mode": 0}


def test_an_agent_that_has_just_started_changes_no_label(reconciler: Reconciler, stub: Stub) -> None:
    stub.pods["mysql-0"] = PRIMARY
    reconciler.reconcile(seen(online("mysql-0"), unconfirmed=True))
    assert stub.pods == {"mysql-0": PRIMARY}


@pytest.mark.parametrize("between", [[], [Status("mysql-0")]])
def test_clients_of_a_former_primary_are_disconnected(
    reconciler: Reconciler, stub: Stub, between: list[Status]
) -> None:
    for status in [online("mysql-0"), *between, *[outside("mysql-0", state=State.ERROR)] * 2]:
        reconciler.reconcile(seen(status))
    assert stub.ended == 1, "once"


def test_a_primary_that_lost_the_majority_is_a_former_one(reconciler: Reconciler, stub: Stub) -> None:
    reconciler.reconcile(seen(online("mysql-0")))
    reconciler.reconcile(seen(online("mysql-0", lost=("mysql-1", "mysql-2"))))
    assert stub.ended == 1


def test_clients_of_a_primary_and_of_a_replica_stay_connected(reconciler: Reconciler, stub: Stub) -> None:
    for primary in ("mysql-1", "mysql-0", "mysql-0"):
        reconciler.reconcile(seen(online("mysql-0", primary=primary)))
    reconciler.reconcile(seen(Status("mysql-0")))
    assert stub.ended == 0


def test_offline_mode_ends_in_the_group_only(reconciler: Reconciler, stub: Stub) -> None:
    reconciler.reconcile(seen(replace(outside("mysql-0", state=State.ERROR), offline=True)))
    assert stub.variables == {}
    reconciler.reconcile(seen(replace(online("mysql-0", primary="mysql-1"), offline=True)))
    assert stub.variables == {"offline_mode": 0}


def test_group_view_and_epoch_are_stored_on_the_volume(reconciler: Reconciler) -> None:
    reconciler.reconcile(seen(online("mysql-0", lost=("mysql-1", "mysql-2"))))
    assert reconciler.store.current == Stored(), "without the majority nothing is known of the group"
    reconciler.reconcile(seen(online("mysql-0", primary="mysql-1")))
    assert reconciler.store.current == Stored(GROUP, VIEW, VIEW.epoch)


def test_a_recreated_lease_is_written_again(
    reconciler: Reconciler, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciler.reconcile(seen(online("mysql-0")))
    stub.recorded.clear()
    reconciler.reconcile(seen(online("mysql-0")))
    assert stub.recorded == []
    monkeypatch.setattr("efishery_mysql_agent.periodic.CHECK_SECONDS", 0)
    reconciler.reconcile(seen(online("mysql-0")))
    assert stub.recorded == [VIEW]


def test_a_request_made_while_the_group_lives_is_removed_before_its_next_outage(
    reconciler: Reconciler, stub: Stub
) -> None:
    stub.recorded, stub.force = [VIEW], "mysql-1"
    reconciler.reconcile(seen(online("mysql-0")))
    assert stub.force is None


def fail_to_write(_: object) -> None:
    raise OSError(28, "No space left on device")


def test_the_lease_gets_the_name_of_the_group_while_the_volume_is_full(
    reconciler: Reconciler, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler.store, "write", fail_to_write)
    reconciler.reconcile(seen(online("mysql-0")))
    assert reconciler.store.current.group is None
    assert (stub.group, stub.recorded) == (GROUP, [VIEW])


def test_a_wrong_name_in_the_lease_is_corrected(reconciler: Reconciler, stub: Stub) -> None:
    stub.recorded, stub.group = [VIEW], "another"
    reconciler.reconcile(seen(online("mysql-0")))
    assert stub.group == GROUP


def test_a_secret_that_is_no_text_takes_no_label(stub: Stub, tmp_path: Path) -> None:
    (tmp_path / "root-password").write_bytes(b"\xff\xfe")
    accounts = Accounts("shop", "app", Secrets(tmp_path), tmp_path)
    mysql, cluster = cast(Mysql, stub), cast(Cluster, stub)
    Reconciler("mysql-0", PEERS, mysql, cluster, Store(tmp_path), accounts).reconcile(seen(online("mysql-0")))
    assert stub.pods == {"mysql-0": PRIMARY}


def test_the_lease_by_which_the_group_was_started_is_let_go_of(reconciler: Reconciler, stub: Stub) -> None:
    stub.recorded, stub.holder = [VIEW], "mysql-0"
    reconciler.reconcile(seen(online("mysql-0")))
    assert stub.holder is None


@pytest.fixture
def no_retry_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("efishery_mysql_agent.periodic.RETRY_SECONDS", -1)


def initialized_by(reconciler: Reconciler, status: Status) -> bool:
    reconciler.reconcile(seen(status))
    return reconciler.initialized


@pytest.mark.usefixtures("no_retry_pause")
def test_a_primary_is_initialized_with_its_label_and_the_accounts(reconciler: Reconciler, stub: Stub) -> None:
    lone = replace(online("mysql-0"), members=online("mysql-0").members[:1])
    assert not initialized_by(reconciler, replace(lone, writable=False))
    stub.read_only = True
    assert not initialized_by(reconciler, lone)
    stub.read_only = False
    assert initialized_by(reconciler, lone)
    assert initialized_by(reconciler, replace(lone, writable=False)), (
        "no change of the primary takes a member from the Services"
    )


def test_a_replica_is_initialized_with_its_label(reconciler: Reconciler) -> None:
    assert not initialized_by(reconciler, outside("mysql-0"))
    assert initialized_by(reconciler, online("mysql-0", primary="mysql-1"))


def group_of(pod: str, primary: str, *pods: str, view: str) -> Status:
    """A member in a view of these pods."""
    rows = tuple(Member(each, State.ONLINE, Role.PRIMARY if each == primary else Role.REPLICA) for each in pods)
    return replace(online(pod, primary=primary), members=rows, view_id=view)


WITHOUT_1 = group_of("mysql-0", "mysql-0", "mysql-0", "mysql-2", view="100:4")
UNDER_1 = group_of("mysql-0", "mysql-1", *PODS, view="100:7")
AGAIN = group_of("mysql-0", "mysql-0", "mysql-0", "mysql-2", view="100:8")


class TestATermAsPrimaryLeavesNothingForTheNext:
    def test_a_dead_primary_loses_its_label_whatever_an_earlier_term_recorded(
        self, reconciler: Reconciler, stub: Stub
    ) -> None:
        for status in (WITHOUT_1, Status("mysql-0"), outside("mysql-0"), UNDER_1):
            reconciler.reconcile(seen(status))
        stub.pods["mysql-1"] = PRIMARY
        stub.recorded.append(UNDER_1.view)
        reconciler.reconcile(seen(AGAIN))
        assert stub.pods == {"mysql-0": PRIMARY, "mysql-1": NO_LABELS}
        assert stub.recorded[-1] == AGAIN.view

    @pytest.mark.parametrize("between", [seen(Status("mysql-0")), seen(WITHOUT_1, unconfirmed=True), seen(UNDER_1)])
    def test_nor_what_a_term_before_a_pause_recorded(
        self, reconciler: Reconciler, stub: Stub, between: Observation
    ) -> None:
        reconciler.reconcile(seen(WITHOUT_1))
        reconciler.reconcile(between)
        stub.pods["mysql-1"] = PRIMARY
        stub.recorded.append(VIEW)
        reconciler.reconcile(seen(WITHOUT_1))
        assert stub.pods["mysql-1"] == NO_LABELS
        assert stub.recorded[-1] == WITHOUT_1.view

    def test_accounts_are_ensured_again(self, reconciler: Reconciler, stub: Stub) -> None:
        for status in (WITHOUT_1, WITHOUT_1, UNDER_1, AGAIN):
            reconciler.reconcile(seen(status))
        assert stub.ensured == 2, "once in each term"

    def test_accounts_that_somebody_changed_are_found_by_the_next_check(
        self, reconciler: Reconciler, stub: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reconciler.reconcile(seen(WITHOUT_1))
        monkeypatch.setattr("efishery_mysql_agent.periodic.CHECK_SECONDS", -1)
        reconciler.reconcile(seen(WITHOUT_1))
        assert stub.ensured == 2

    def test_reads_of_a_replica_are_not_those_of_a_primary(self, reconciler: Reconciler, stub: Stub) -> None:
        reconciler.reconcile(seen(UNDER_1))
        reconciler.reconcile(seen(AGAIN))
        assert stub.pods["mysql-0"] == PRIMARY


def test_a_member_that_the_group_has_gone_on_without_leaves_record_and_labels_of_others_alone(
    reconciler: Reconciler, stub: Stub
) -> None:
    stub.recorded.append(UNDER_1.view)
    stub.pods["mysql-1"] = PRIMARY
    reconciler.reconcile(seen(WITHOUT_1))
    assert stub.recorded == [UNDER_1.view]
    assert stub.pods == {"mysql-1": PRIMARY}, "nor does it get its own"


def test_a_lost_member_loses_its_label_while_there_is_no_lease(
    reconciler: Reconciler, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> LeaseState:
        raise NotFound("404 Not Found")

    monkeypatch.setattr(stub, "lease", fail)
    stub.pods["mysql-1"] = PRIMARY
    reconciler.reconcile(seen(WITHOUT_1))
    assert stub.pods["mysql-1"] == NO_LABELS


class TestWhatTheApiSaysCounts:
    def test_a_label_outside_the_view_is_removed_by_the_next_check(
        self, reconciler: Reconciler, stub: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reconciler.reconcile(seen(WITHOUT_1))
        stub.pods["mysql-1"] = PRIMARY
        reconciler.reconcile(seen(WITHOUT_1))
        assert stub.pods["mysql-1"] == PRIMARY
        monkeypatch.setattr("efishery_mysql_agent.periodic.CHECK_SECONDS", -1)
        reconciler.reconcile(seen(WITHOUT_1))
        assert stub.pods["mysql-1"] == NO_LABELS

    def test_labels_of_members_in_the_view_are_left_to_their_agents(self, reconciler: Reconciler, stub: Stub) -> None:
        stub.pods["mysql-2"] = PRIMARY
        reconciler.reconcile(seen(WITHOUT_1))
        assert stub.pods["mysql-2"] == PRIMARY, "it may have been elected since this member's last observation"

    @pytest.mark.usefixtures("no_retry_pause")
    def test_a_call_that_failed_may_have_been_carried_out(self, reconciler: Reconciler, stub: Stub) -> None:
        reconciler.reconcile(seen(UNDER_1))
        stub.api_fails = True
        reconciler.reconcile(seen(AGAIN))
        stub.api_fails, stub.pods["mysql-0"] = False, PRIMARY
        reconciler.reconcile(seen(UNDER_1))
        assert stub.pods["mysql-0"] == REPLICA

    def test_a_label_is_compared_with_the_api_whenever_the_wanted_one_changes(
        self, reconciler: Reconciler, stub: Stub
    ) -> None:
        reconciler.reconcile(seen(UNDER_1))
        stub.pods["mysql-0"] = PRIMARY  # as another agent, or a person, may have set it
        reconciler.reconcile(seen(outside("mysql-0")))
        assert stub.pods["mysql-0"] == NO_LABELS

    @pytest.mark.usefixtures("no_retry_pause")
    def test_a_member_without_its_label_is_not_initialized(self, reconciler: Reconciler, stub: Stub) -> None:
        stub.api_fails = True
        assert not initialized_by(reconciler, AGAIN)
        assert not initialized_by(reconciler, UNDER_1)
        stub.api_fails = False
        assert initialized_by(reconciler, AGAIN)

    @pytest.mark.usefixtures("no_retry_pause")
    def test_what_failed_is_done_in_a_later_round(self, reconciler: Reconciler, stub: Stub) -> None:
        stub.pods["mysql-1"], stub.api_fails = PRIMARY, True
        reconciler.reconcile(seen(AGAIN))
        stub.api_fails = False
        reconciler.reconcile(seen(AGAIN))
        assert stub.pods == {"mysql-0": PRIMARY, "mysql-1": NO_LABELS}
        assert stub.recorded == [AGAIN.view]
