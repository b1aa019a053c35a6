"""What a member outside the group asks of the Lease and its peers."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from efishery_mysql_agent.cluster import Cluster, ClusterError
from efishery_mysql_agent.model import LeaseState, Observation, State, Status
from efishery_mysql_agent.mysql import Mysql
from efishery_mysql_agent.peers import Peers
from efishery_mysql_agent.settings import AgentSettings
from efishery_mysql_agent.surroundings import Surroundings
from tests.unit.mysql_agent.conftest import FORMED, UUID, fresh, online, outside, subtract

MADE = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
OLD = MADE - 60 * MINUTE
EMPTY = LeaseState(version="1", created=MADE)


@dataclass
class Stub:
    """The API and the peers; the claims of mysql-1 and mysql-2 are older than the Lease."""

    answers: tuple[Status, ...] = ()
    lease_state: LeaseState | None = EMPTY
    refuses: bool = False
    claims: dict[str, datetime] = field(default_factory=lambda: {"mysql-0": MADE, "mysql-1": OLD, "mysql-2": OLD})

    def rows(self, _statement: str, values: tuple[str, str]) -> list[dict[str, object]]:
        lacking = subtract(*values)
        return [{"gtids": lacking, "is_subset": int(not lacking)}]

    def ask(self) -> tuple[Status, ...]:
        return self.answers

    def lease(self) -> LeaseState:
        if self.lease_state is None:
            raise ClusterError("timed out")
        return self.lease_state

    def claimed_at(self, pod: str, *, ephemeral: bool) -> datetime | None:
        assert not ephemeral
        if self.refuses:
            raise ClusterError("403 Forbidden")
        return self.claims.get(pod)


def observe(stub: Stub, me: Status | None = None) -> Observation:
    settings = AgentSettings(pod="mysql-0", namespace="db")
    return Surroundings(settings, cast(Mysql, stub), cast(Cluster, stub), cast(Peers, stub)).observe(
        me or fresh("mysql-0"), 0
    )


def test_a_silent_peer_with_an_old_claim_may_have_data() -> None:
    assert observe(Stub()).without_proof == ("mysql-1", "mysql-2")


@pytest.mark.parametrize(
    ("lease", "own", "its", "may"),
    [
        (MADE, MADE, MADE, False),
        (MADE + MINUTE, MADE, MADE - SECOND, False),
        (MADE + 6 * MINUTE, MADE, MADE, True),
        (MADE + MINUTE, MADE + MINUTE, MADE, True),
        (MADE, MADE + MINUTE, MADE + MINUTE, False),
    ],
    ids=["one installation", "the Lease last", "the Lease was lost", "this member's volume was lost", "both are new"],
)
def test_a_claim_is_new_if_it_is_as_new_as_the_lease_and_as_this_members_own(
    lease: datetime, own: datetime, its: datetime, may: bool
) -> None:
    stub = Stub(lease_state=replace(EMPTY, created=lease), claims={"mysql-0": own, "mysql-1": its})
    assert observe(stub).without_proof == (("mysql-1",) if may else ())


@pytest.mark.parametrize(
    ("peer", "proves"),
    [
        (fresh("mysql-1"), True),
        (outside("mysql-1"), False),
        (Status("mysql-1"), False),
        (replace(fresh("mysql-1"), state=State.DOWN), False),
    ],
)
def test_a_peer_proves_that_it_is_empty_by_its_mysqlds_word(peer: Status, proves: bool) -> None:
    assert ("mysql-1" not in observe(Stub((peer,))).without_proof) is proves


def test_a_claim_that_cannot_be_read_proves_nothing() -> None:
    assert len(observe(Stub(refuses=True)).without_proof) == 8


def test_no_proof_is_needed_where_the_lease_knows_a_group_or_cannot_be_read() -> None:
    assert observe(Stub(lease_state=FORMED)).without_proof == ()
    unread = observe(Stub(lease_state=None))
    assert (unread.lease, unread.without_proof) == (None, ())


def test_errant_is_what_no_member_of_the_live_group_has() -> None:
    live = tuple(online(pod, primary="mysql-1", last=last) for pod, last in (("mysql-1", 9), ("mysql-2", 8)))
    left_behind = replace(outside("mysql-3"), gtids=f"{UUID}:1-20")
    seen = observe(Stub((*live, left_behind)), outside("mysql-0"))
    assert (seen.errant, seen.contained) == (f"{UUID}:10", frozenset())


def test_without_a_live_group_all_that_answer_are_compared() -> None:
    peers = outside("mysql-1", last=9), outside("mysql-2"), Status("mysql-3")
    seen = observe(Stub(peers), outside("mysql-0"))
    assert seen.errant == ""
    assert seen.contained == {
        ("mysql-1", "mysql-0"),
        ("mysql-1", "mysql-2"),
        ("mysql-0", "mysql-2"),
        ("mysql-2", "mysql-0"),
    }
