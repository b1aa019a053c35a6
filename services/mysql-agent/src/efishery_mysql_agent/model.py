"""The state of a member, of the other members and of the Lease, as immutable values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
    """The pod's labels that Services select: `role`, primary for writes, and `reads`."""

    role: Role | None = None
    reads: bool = False


NO_LABELS = Labels()


@dataclass(frozen=True)
class Member:
    """One row of replication_group_members."""

    pod: str
    state: State
    role: Role | None = None


@dataclass(frozen=True)
class View:
    """The members at one time. `id` is MySQL's VIEW_ID, `<start of the group>:<number of the view>`.

    The id's first part has the time of a clock, and so says nothing of the order of two starts: `epoch` counts them.
    """

    id: str
    members: tuple[str, ...]
    epoch: int = 0

    def supersedes(self, other: View) -> bool:
        """Whether it is later than the other view."""
        (start, _, number), (other_start, _, other_number) = self.id.partition(":"), other.id.partition(":")
        return int(number or 0) > int(other_number or 0) if start == other_start else self.epoch > other.epoch


@dataclass(frozen=True)
class Status:
    """What an agent reports of its member: what it observed, and what it has stored of the group.

    `gtids` are the transactions executed or received. `queue` are those that it was sent and has not yet received.
    """

    pod: str
    state: State = State.DOWN
    role: Role | None = None
    members: tuple[Member, ...] = ()
    view_id: str = ""
    gtids: str = ""
    writable: bool = False
    offline: bool = False
    lag: int = 0
    queue: int = 0
    group: str | None = None
    epoch: int = 0
    last_view: View | None = None

    @property
    def has_majority(self) -> bool:
        """Whether it reaches more than half of its group, itself ONLINE or not."""
        reached = [member for member in self.members if member.state in (State.ONLINE, State.RECOVERING)]
        return 2 * len(reached) > len(self.members)

    @property
    def quorum(self) -> bool:
        """Whether it is ONLINE in a group of which it reaches more than half."""
        return self.state is State.ONLINE and self.has_majority

    @property
    def view(self) -> View:
        """The view it is in."""
        return View(self.view_id, tuple(sorted(member.pod for member in self.members)), self.epoch)

    def refuted_by(self, others: Iterable[Status]) -> bool:
        """Whether the group has a later view without this member, which still reports itself as in the group."""
        return any(
            other.quorum and other.view.supersedes(self.view) and self.pod not in other.view.members for other in others
        )


@dataclass(frozen=True)
class LeaseState:
    """The content of the Lease. `holder` is None where nobody holds it, or its time has expired.

    `version` is the resourceVersion: a change that names it fails if the Lease was changed since.
    `epoch` is raised by each start of a group, so that of two starts the later is known without a clock.
    `former` are the groups that forced reboots replaced.
    `force_reboot` and `start_empty` are an operator's requests: a pod, and the name of a group whose data are given up.
    """

    version: str = ""
    created: datetime | None = None
    group: str | None = None
    claimer: str | None = None
    former: tuple[str, ...] = ()
    formed: bool = False
    epoch: int = 0
    view: View | None = None
    holder: str | None = None
    force_reboot: str | None = None
    start_empty: str | None = None

    @property
    def is_requested(self) -> bool:
        """Whether an operator asks for anything."""
        return self.force_reboot is not None or self.start_empty is not None


@dataclass(frozen=True)
class Observation:
    """All that a decision may depend on. `lease` is None where the Kubernetes API does not answer.

    `errant` are the member's transactions that no member of the live group has.
    `contained` are the pairs of pods of which the second has all transactions of the first.
    `failed_recoveries` counts those in a row with the member's present data.
    `without_proof` are the pods that may have data of a group that a Lease without a group does not know.
    `hangs`: Group Replication of the member, which is in a group, hangs.
    `unconfirmed`: mysqld, or the agent, paused, or a peer refuted the member, and none has confirmed since what mysqld
    says of the group.
    """

    me: Status
    peers: tuple[Status, ...] = ()
    lease: LeaseState | None = None
    leaving: bool = False
    unconfirmed: bool = False
    hangs: bool = False
    errant: str = ""
    contained: frozenset[tuple[str, str]] = frozenset()
    failed_recoveries: int = 0
    without_proof: tuple[str, ...] = ()
    ephemeral: bool = False

    @property
    def live(self) -> tuple[Status, ...]:
        """The peers in a group that has the majority, the latest if two groups live."""
        return tuple(peer for peer in self.peers if peer.quorum and not peer.refuted_by(self.peers))

    @property
    def answering(self) -> dict[str, Status]:
        """The members whose agents answer, including this one, by pod."""
        return {status.pod: status for status in (self.me, *self.peers)}
