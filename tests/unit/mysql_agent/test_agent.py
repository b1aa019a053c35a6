"""The loop: what it counts and remembers between two rounds."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pymysql
import pytest
from prometheus_client import REGISTRY

from efishery_mysql_agent import agent as module
from efishery_mysql_agent.accounts import Secrets
from efishery_mysql_agent.actions import Action, Clone, Join, Restart, Wait
from efishery_mysql_agent.agent import Agent
from efishery_mysql_agent.cluster import Cluster
from efishery_mysql_agent.execute import Executor
from efishery_mysql_agent.hang import CHECK_SECONDS, HANG_SECONDS
from efishery_mysql_agent.model import LeaseState, Observation, State, Status
from efishery_mysql_agent.mysql import Mysql, Row
from efishery_mysql_agent.peers import Peers
from efishery_mysql_agent.reasons import Reason
from efishery_mysql_agent.reconcile import Reconciler
from efishery_mysql_agent.server import StatusPublisher
from efishery_mysql_agent.settings import AgentSettings
from efishery_mysql_agent.store import Store, Stored
from efishery_mysql_agent.surroundings import Surroundings
from tests.unit.mysql_agent.conftest import FORMED, GROUP, VIEW, members, online, outside, without

RECOVERING, FAILED = (outside("mysql-0", state=state) for state in (State.RECOVERING, State.ERROR))
LIVE = tuple(without(online(pod, primary="mysql-1"), "mysql-0") for pod in ("mysql-1", "mysql-2"))


@dataclass
class Stub:
    """Everything that the loop uses; `executed` are the actions, of which those of type `fails` fail."""

    initialized: bool = True
    peers: tuple[Status, ...] = LIVE
    reconciled: list[Observation] = field(default_factory=list)
    executed: list[Action] = field(default_factory=list)
    fails: type[Action] | None = None
    events: list[tuple[str, str, str]] = field(default_factory=list)

    def ask(self) -> tuple[Status, ...]:
        return self.peers

    def lease(self) -> LeaseState:
        return FORMED

    def reconcile(self, seen: Observation) -> None:
        self.reconciled.append(seen)

    def execute(self, action: Action) -> None:
        self.executed.append(action)
        if self.fails and isinstance(action, self.fails):
            raise pymysql.OperationalError(2003, "no donor")

    def close(self) -> None: ...

    def event(self, kind: str, reason: str, message: str) -> None:
        self.events.append((kind, reason, message))

    def rows(self, statement: str, _values: object = ()) -> list[Row]:
        return [{"gtids": ""}] if "GTID" in statement else []

    @property
    def mysql(self) -> "Stub":
        return self


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
    return Stub()


@pytest.fixture
def agent(stub: Stub, tmp_path: Path) -> Agent:
    store = Store(tmp_path)
    store.write(Stored(GROUP, VIEW))
    return Agent(
        AgentSettings(pod="mysql-0", namespace="db", run_dir=tmp_path, tls_dir=tmp_path),
        cast(Mysql, stub),
        cast(Cluster, stub),
        store,
        cast(Secrets, stub),
        cast(Peers, stub),
        cast(Reconciler, stub),
        cast(Executor, stub),
        StatusPublisher("mysql-0"),
    )


def last_action(agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch, *states: Status | None) -> Action:
    """Run a round for each state (None: no answer), with the action that it starts; return the last action."""
    for state in states:
        monkeypatch.setattr(module, "observe", lambda *_, state=state: state)
        agent.tick()
        if agent._running:
            agent._running.result(timeout=5)
    return stub.executed[-1] if stub.executed else Wait(Reason.AGENT_STARTS)


def test_a_member_clones_after_three_failed_recoveries(
    agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = (outside("mysql-0"), RECOVERING, RECOVERING, FAILED, FAILED)
    assert isinstance(last_action(agent, stub, monkeypatch, *failing * 2), Join)
    assert isinstance(last_action(agent, stub, monkeypatch, *failing[:-1]), Clone)


def test_a_member_that_lost_the_others_while_it_recovered_keeps_its_data(
    agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off = replace(RECOVERING, members=members(lost=("mysql-1",)))
    assert isinstance(last_action(agent, stub, monkeypatch, *(RECOVERING, cut_off, FAILED) * 3), Join)


def test_a_mysqld_that_ended_while_it_recovered_has_not_failed(
    agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(last_action(agent, stub, monkeypatch, *(RECOVERING, outside("mysql-0")) * 3), Join)


def test_recoveries_that_ended_with_their_group_do_not_count(
    agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for epoch in (5, 6, 7):
        agent._store.write(Stored(GROUP, VIEW, epoch))
        assert isinstance(last_action(agent, stub, monkeypatch, RECOVERING, FAILED), Join)


@pytest.mark.parametrize("between", [online("mysql-0"), None])
def test_only_recoveries_that_failed_in_a_row_count(
    agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch, between: Status | None
) -> None:
    rounds = (RECOVERING, FAILED, RECOVERING, FAILED, between or outside("mysql-0"), RECOVERING, FAILED)
    assert isinstance(last_action(agent, stub, monkeypatch, *rounds), Join if between else Clone)


def test_failed_recoveries_do_not_outlive_the_data(agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    last_action(agent, stub, monkeypatch, *(RECOVERING, FAILED) * 3)
    cloned = replace(outside("mysql-0"), gtids=LIVE[0].gtids)
    assert isinstance(last_action(agent, stub, monkeypatch, cloned), Join), "another clone would never end"


def test_a_clone_that_failed_is_tried_again(agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.fails = Clone
    assert isinstance(last_action(agent, stub, monkeypatch, *(RECOVERING, FAILED) * 3, FAILED), Clone)
    assert [type(action) for action in stub.executed[-2:]] == [Clone, Clone]


def test_an_action_that_fails_by_a_defect_is_reported(
    agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Action) -> None:
        raise IndexError("list index out of range")

    def failed() -> float:
        return REGISTRY.get_sample_value("mysql_agent_actions_total", {"action": "Join", "result": "failed"}) or 0

    before = failed()
    monkeypatch.setattr(stub, "execute", fail)
    last_action(agent, stub, monkeypatch, FAILED)
    assert failed() == before + 1


class TestOneObservationWithoutAnAnswer:
    def test_changes_nothing(self, agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
        last_action(agent, stub, monkeypatch, online("mysql-0"), None, online("mysql-0"))
        assert [seen.me.state for seen in stub.reconciled] == [State.ONLINE, State.ONLINE]
        assert agent._publisher.snapshot.status.state is State.ONLINE

    def test_a_second_in_a_row_is_a_mysqld_that_is_down(
        self, agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        last_action(agent, stub, monkeypatch, online("mysql-0"), None, None, None, online("mysql-0"), None)
        assert [seen.me.state for seen in stub.reconciled] == [State.ONLINE, State.DOWN, State.DOWN, State.ONLINE]

    def test_the_next_observation_follows_at_once(self, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            raise KeyboardInterrupt

        answers = iter([None, online("mysql-0")])
        monkeypatch.setattr(module, "observe", lambda *_: next(answers))
        monkeypatch.setattr("efishery_mysql_agent.agent.time.sleep", sleep)
        with pytest.raises(KeyboardInterrupt):
            agent.run()
        assert len(slept) == 1
        assert not list(answers)


class TestAMemberThatIsDoubted:
    """After its start the agent doubts what mysqld says of the group."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        now = [time.monotonic()]
        monkeypatch.setattr("efishery_mysql_agent.agent.time.monotonic", lambda: now[0])
        return now

    def doubts(
        self, agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch, clock: list[float], *states: Status
    ) -> list[bool]:
        for state in states:
            clock[0] += 1
            last_action(agent, stub, monkeypatch, state)
        return [seen.unconfirmed for seen in stub.reconciled]

    def test_is_trusted_when_it_has_had_the_majority_for_longer_than_a_failure_takes_to_be_noticed(
        self, agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch, clock: list[float]
    ) -> None:
        stub.peers = ()
        doubted = self.doubts(agent, stub, monkeypatch, clock, *[online("mysql-0")] * 13)
        assert doubted == [True] * 11 + [False] * 2

    def test_the_time_begins_again_without_the_majority(
        self, agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch, clock: list[float]
    ) -> None:
        stub.peers = ()
        minority = online("mysql-0", lost=("mysql-1", "mysql-2"))
        assert all(self.doubts(agent, stub, monkeypatch, clock, *[online("mysql-0"), minority] * 8))

    def test_is_never_trusted_against_a_later_view_without_it(
        self, agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch, clock: list[float]
    ) -> None:
        stub.peers = tuple(replace(peer, view_id="100:4") for peer in LIVE)
        assert all(self.doubts(agent, stub, monkeypatch, clock, *[online("mysql-0")] * 15))


def test_a_healthy_member_asks_the_others_seldom_and_is_restarted_once_they_all_contradict_it(
    agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, now = [], [time.monotonic()]

    def ask() -> tuple[Status, ...]:
        asked.append(now[0])
        return stub.peers

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(stub, "ask", ask)
    agent._store.write(Stored(GROUP, VIEW, VIEW.epoch))
    stub.peers = (online("mysql-1"), online("mysql-2"))
    last_action(agent, stub, monkeypatch, online("mysql-0"))  # the doubt of the start ends
    stub.peers = (outside("mysql-1"), outside("mysql-2"))
    asked.clear()
    for _ in range(2 * HANG_SECONDS):
        now[0] += 1
        last_action(agent, stub, monkeypatch, online("mysql-0"))
        if stub.executed:
            break
    assert stub.executed == [Restart()]
    assert len(asked) == HANG_SECONDS // CHECK_SECONDS + 1


def test_a_member_that_was_in_no_group_meanwhile_is_not_restarted(
    agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    stub.peers = (outside("mysql-1"), outside("mysql-2"))
    for second in range(HANG_SECONDS + 2 * CHECK_SECONDS):
        now[0] += 1
        answers = (None, None) if second == HANG_SECONDS else (online("mysql-0"),)
        last_action(agent, stub, monkeypatch, *answers)
    assert Restart() not in stub.executed


def test_binary_logs_are_purged_while_mysqld_runs(agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    purged: list[Status] = []
    monkeypatch.setattr(agent._binlogs, "run", purged.append)
    last_action(agent, stub, monkeypatch, online("mysql-0"), outside("mysql-0"), None, None)
    assert [status.state for status in purged] == [State.ONLINE, State.OFFLINE]


def test_the_lease_is_read_before_the_peers_are_asked(
    agent: Agent, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that answers and then starts the group has changed the Lease, so that taking it fails."""
    asked: list[str] = []

    class Asked(Stub):
        def lease(self) -> LeaseState:
            asked.append("lease")
            return FORMED

        def ask(self) -> tuple[Status, ...]:
            asked.append("peers")
            return LIVE

    agent._surroundings = Surroundings(agent._settings, cast(Mysql, stub), cast(Cluster, Asked()), cast(Peers, Asked()))
    last_action(agent, stub, monkeypatch, FAILED)
    assert asked == ["lease", "peers"]


@pytest.mark.parametrize(
    ("state", "reason", "attention"),
    [
        (online("mysql-0", lost=("mysql-1", "mysql-2")), Reason.MAJORITY_LOST, True),
        (RECOVERING, Reason.RECOVERING, False),
    ],
)
def test_a_long_wait_is_reported_by_its_reason(
    agent: Agent,
    stub: Stub,
    monkeypatch: pytest.MonkeyPatch,
    state: Status,
    reason: Reason,
    attention: bool,
) -> None:
    monkeypatch.setattr(module, "LONG_WAIT_SECONDS", 0)
    last_action(agent, stub, monkeypatch, state, state)
    assert [(kind, of) for kind, of, _ in stub.events] == [("Warning" if attention else "Normal", reason)]
    labels = {"reason": reason.value, "attention": str(attention).lower()}
    assert REGISTRY.get_sample_value("mysql_agent_waiting", labels) == 1
    assert agent._publisher.snapshot.action == f"waits, {reason}"
    last_action(agent, stub, monkeypatch, online("mysql-0"))
    assert REGISTRY.get_sample_value("mysql_agent_waiting", labels) is None
