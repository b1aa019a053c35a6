"""What an agent knows of its member, of the others and of the Lease: plain values, made by nobody here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from efishery_mysql_agent.gtid import GtidSet


class State(StrEnum):
    """State of a member (MySQL manual, "Group Replication Server States"), and DOWN: mysqld does not answer."""

    ONLINE = "ONLINE"
    RECOVERING = "RECOVERING"
    OFFLINE = "OFFLINE"
    ERROR = "ERROR"
    UNREACHABLE = "UNREACHABLE"
    DOWN = "DOWN"


class Role(StrEnum):
    """Role of a member; the values are those of the pod's label `role`."""

    PRIMARY = "primary"
    REPLICA = "replica"


@dataclass(frozen=True)
class Labels:
    """What clients find a member by: writes go to the role primary, reads to whoever takes them."""

    role: Role | None = None
    reads: bool = False


NOBODY = Labels()


@dataclass(frozen=True)
class Member:
    """One row of replication_group_members."""

    pod: str
    state: State
    role: Role | None = None


@dataclass(frozen=True)
class View:
    """Who was in the group. `id` is MySQL's VIEW_ID, `<when the group began>:<count of views since>`."""

    id: str
    members: tuple[str, ...]

    @property
    def order(self) -> tuple[int, int]:
        """Of two views of one group the later has the greater order."""
        began, _, count = self.id.partition(":")
        return int(began), int(count or 0)


@dataclass(frozen=True)
class Status:
    """What one agent tells of its member: what it observed, and what it has stored of the group."""

    pod: str
    state: State = State.DOWN
    role: Role | None = None
    members: tuple[Member, ...] = ()
    view_id: str = ""
    gtids: GtidSet = field(default_factory=GtidSet)
    writable: bool = False
    offline: bool = False
    lag: int = 0
    queue: int = 0
    group: str | None = None
    last_view: View | None = None

    @property
    def quorum(self) -> bool:
        """Whether it is in a group of which it reaches more than half."""
        reached = [member for member in self.members if member.state in (State.ONLINE, State.RECOVERING)]
        return self.state is State.ONLINE and 2 * len(reached) > len(self.members)

    @property
    def view(self) -> View:
        """The view it is in."""
        return View(self.view_id, tuple(sorted(member.pod for member in self.members)))


@dataclass(frozen=True)
class LeaseState:
    """What the Lease says. `holder` is None where nobody holds it, or held it too long ago.

    `version` is what it is named by in a change, so that only the first of two who saw the same makes one.
    `former` are groups that this one was made from by force.
    """

    version: str = ""
    group: str | None = None
    claimer: str | None = None
    former: tuple[str, ...] = ()
    formed: bool = False
    view: View | None = None
    holder: str | None = None
    force: str | None = None


@dataclass(frozen=True)
class Observation:
    """All that a decision may depend on. `lease` is None where the Kubernetes API does not answer.

    `failed_recoveries` counts those since the member was last ONLINE.
    `doubted`: mysqld did not answer for a while, and no other member has confirmed since what it says of the group.
    """

    me: Status
    peers: tuple[Status, ...] = ()
    lease: LeaseState | None = None
    leaving: bool = False
    doubted: bool = False
    failed_recoveries: int = 0
    ephemeral: bool = False

    @property
    def everyone(self) -> dict[str, Status]:
        """The members whose agents answer, this one too, by pod."""
        return {status.pod: status for status in (self.me, *self.peers)}
