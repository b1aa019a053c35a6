"""The oldest binary logs are purged above the limit, and never what another member may need."""

from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError

from efishery_mysql_agent.binlogs import Binlogs
from efishery_mysql_agent.cluster import Cluster, ClusterError, NotFound
from efishery_mysql_agent.model import NO_LABELS, Labels, State, Status
from efishery_mysql_agent.mysql import Mysql, Row
from efishery_mysql_agent.peers import Peers
from efishery_mysql_agent.settings import AgentSettings
from tests.unit.mysql_agent.conftest import PODS, gtids, online, outside, subtract

PER_LOG = 10  # transactions


@dataclass
class Stub:
    """A mysqld with five logs of 100 bytes and ten transactions, its peers, and the pods that exist."""

    answers: tuple[Status, ...] = ()
    logs: list[str] = field(default_factory=lambda: [f"binlog.{number:06}" for number in range(1, 6)])
    pods: tuple[str, ...] = PODS
    api_fails: bool = False

    def rows(self, statement: str, values: tuple[str, ...] = ()) -> list[Row]:
        if statement == "SHOW BINARY LOGS":
            return [{"Log_name": name, "File_size": 100} for name in self.logs]
        if statement == "SHOW BINLOG EVENTS IN %s LIMIT 2":
            number = int(values[0].partition(".")[2]) - 1
            return [
                {"Event_type": "Format_desc", "Info": "Server ver: 9"},
                {"Event_type": "Previous_gtids", "Info": gtids(number * PER_LOG)},
            ]
        if statement == "PURGE BINARY LOGS TO %s":
            self.logs = self.logs[self.logs.index(values[0]) :]
            return []
        assert statement == "SELECT GTID_SUBSET(%s, %s) AS is_subset"
        return [{"is_subset": int(not subtract(*values))}]

    def ask(self) -> tuple[Status, ...]:
        return self.answers

    def labels(self, pod: str) -> Labels:
        if self.api_fails:
            raise ClusterError("timed out")
        if pod not in self.pods:
            raise NotFound("404 Not Found")
        return NO_LABELS


def binlogs(stub: Stub, limit: int) -> Binlogs:
    others = [f"mysql-{number}" for number in range(1, 9)]
    return Binlogs(cast(Mysql, stub), cast(Peers, stub), cast(Cluster, stub), others, limit)


def left(stub: Stub, limit: int = 250, me: Status | None = None) -> int:
    """The number of logs that are left after a check."""
    binlogs(stub, limit).run(me or online("mysql-0"))
    return len(stub.logs)


CAUGHT_UP = online("mysql-1", last=50), online("mysql-2", last=50)


@pytest.mark.parametrize(("limit", "expected"), [(0, 5), (500, 5), (499, 4), (250, 2), (1, 1)])
def test_the_oldest_are_purged_until_the_rest_is_below_the_limit(limit: int, expected: int) -> None:
    assert left(Stub(CAUGHT_UP), limit) == expected


@pytest.mark.parametrize(("received", "expected"), [(50, 2), (30, 2), (29, 3), (10, 4), (9, 5)])
def test_not_what_a_peer_has_not_received(received: int, expected: int) -> None:
    assert left(Stub((CAUGHT_UP[0], outside("mysql-2", last=received)))) == expected


@pytest.mark.parametrize("answers", [(), CAUGHT_UP[:1], (CAUGHT_UP[0], Status("mysql-2"))])
def test_nothing_while_a_member_does_not_say_what_it_needs(answers: tuple[Status, ...]) -> None:
    assert left(Stub(answers)) == 5


def test_nothing_for_a_new_member_before_it_has_its_data() -> None:
    assert left(Stub((CAUGHT_UP[0], replace(outside("mysql-2"), gtids="")))) == 5


def test_a_pod_that_does_not_exist_needs_nothing() -> None:
    assert left(Stub(CAUGHT_UP[:1], pods=PODS[:2])) == 2


def test_nothing_where_the_api_does_not_say_who_exists() -> None:
    assert left(Stub(CAUGHT_UP, api_fails=True)) == 5


@pytest.mark.parametrize("me", [online("mysql-0", lost=("mysql-1", "mysql-2")), outside("mysql-0", state=State.ERROR)])
def test_nothing_by_a_member_outside_the_group(me: Status) -> None:
    assert left(Stub(CAUGHT_UP), me=me) == 5


def test_the_size_is_published_and_checked_once_a_minute() -> None:
    stub = Stub(CAUGHT_UP)
    purger = binlogs(stub, 250)
    purger.run(online("mysql-0"))
    assert REGISTRY.get_sample_value("mysql_member_binlogs_size_bytes") == 500
    stub.logs.extend(["binlog.000006", "binlog.000007"])
    purger.run(online("mysql-0"))
    assert len(stub.logs) == 4


@pytest.mark.parametrize(("size", "expected"), [("512Mi", 512 * 2**20), ("0", 0), ("1Gi", 2**30)])
def test_the_limit_is_a_quantity(size: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSQL_AGENT_BINLOG_MAX_TOTAL_SIZE", size)
    assert AgentSettings(pod="mysql-0", namespace="db").binlog_max_total_size == expected


@pytest.mark.parametrize("size", ["512 MB", "-1Mi", "much"])
def test_what_is_no_quantity_is_refused(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSQL_AGENT_BINLOG_MAX_TOTAL_SIZE", size)
    with pytest.raises(ValidationError, match="binlog_max_total_size"):
        AgentSettings(pod="mysql-0", namespace="db")
