"""Observations of a group of three, in the states that the rules distinguish."""

from dataclasses import replace
from itertools import permutations
from typing import Any

from efishery_mysql_agent.model import LeaseState, Member, Observation, Role, State, Status, View

GROUP = "7d9e1b3c-0000-4000-8000-000000000001"
UUID = "11111111-1111-1111-1111-111111111111"
PODS = ("mysql-0", "mysql-1", "mysql-2")
VIEW = View("100:3", PODS, 4)
FORMED = LeaseState(version="7", group=GROUP, claimer="mysql-0", formed=True, epoch=4, view=VIEW)


def gtids(last: int) -> str:
    """The first `last` transactions of the group."""
    return f"{UUID}:1-{last}" if last else ""


def numbers(gtids: str) -> set[tuple[str, int]]:
    """The transactions of sets `uuid:first-last`, joined by commas, one by one."""
    found = set()
    for source, _, interval in (part.partition(":") for part in gtids.split(",") if part):
        first, _, last = interval.partition("-")
        found |= {(source, number) for number in range(int(first), int(last or first) + 1)}
    return found


def subtract(gtids: str, others: str) -> str:
    """What mysqld's GTID_SUBTRACT answers for such sets, each transaction by itself."""
    return ",".join(f"{source}:{number}" for source, number in sorted(numbers(gtids) - numbers(others)))


def members(primary: str = "mysql-0", lost: tuple[str, ...] = ()) -> tuple[Member, ...]:
    """The rows of a group of three, of which some cannot be reached."""
    return tuple(
        Member(
            pod,
            State.UNREACHABLE if pod in lost else State.ONLINE,
            Role.PRIMARY if pod == primary else Role.REPLICA,
        )
        for pod in PODS
    )


def online(pod: str, *, primary: str = "mysql-0", lost: tuple[str, ...] = (), last: int = 10) -> Status:
    """A member in the group."""
    is_primary = pod == primary
    return Status(
        pod=pod,
        state=State.ONLINE,
        role=Role.PRIMARY if is_primary else Role.REPLICA,
        members=members(primary, lost),
        view_id=VIEW.id,
        gtids=gtids(last),
        writable=is_primary,
        group=GROUP,
        epoch=VIEW.epoch,
        last_view=VIEW,
    )


def outside(pod: str, *, last: int = 10, state: State = State.OFFLINE) -> Status:
    """A member with data, in no group."""
    return Status(pod=pod, state=state, gtids=gtids(last), group=GROUP, epoch=VIEW.epoch, last_view=VIEW)


def fresh(pod: str) -> Status:
    """A member whose volume is new."""
    return Status(pod=pod, state=State.OFFLINE)


def without(status: Status, pod: str) -> Status:
    """The same member after `pod` was expelled from its group."""
    return replace(status, members=tuple(member for member in status.members if member.pod != pod))


def seen(me: Status, *peers: Status, lease: LeaseState | None = FORMED, **more: Any) -> Observation:
    """An observation, with the GTIDs compared as mysqld does it."""
    answering = [status for status in (me, *peers) if status.state is not State.DOWN]
    live = [peer for peer in peers if peer.quorum]
    contained = frozenset(
        (less.pod, more.pod) for less, more in permutations(answering, 2) if numbers(less.gtids) <= numbers(more.gtids)
    )
    errant = subtract(me.gtids, ",".join(peer.gtids for peer in live)) if live else ""
    return Observation(me, peers, lease, errant=errant, contained=contained, **more)
