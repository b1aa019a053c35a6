"""Observations of a group of three, in the states that the rules distinguish."""

from dataclasses import replace
from typing import Any

from efishery_mysql_agent.gtid import GtidSet
from efishery_mysql_agent.model import LeaseState, Member, Observation, Role, State, Status, View

GROUP = "7d9e1b3c-0000-4000-8000-000000000001"
UUID = "11111111-1111-1111-1111-111111111111"
PODS = ("mysql-0", "mysql-1", "mysql-2")
VIEW = View("100:3", PODS, 4)
FORMED = LeaseState(version="7", group=GROUP, claimer="mysql-0", formed=True, epoch=4, view=VIEW)


def gtids(last: int) -> GtidSet:
    """The first `last` transactions of the group."""
    return GtidSet.parse(f"{UUID}:1-{last}") if last else GtidSet()


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
    """An observation."""
    return Observation(me, peers, lease, **more)
