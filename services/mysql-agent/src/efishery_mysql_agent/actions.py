"""The actions that an agent can decide on. `execute.py` carries them out."""

from __future__ import annotations

from dataclasses import dataclass

from efishery_mysql_agent.model import LeaseState
from efishery_mysql_agent.reasons import Reason


@dataclass(frozen=True)
class Wait:
    """Do nothing, for a reason; `detail` names pods and commands."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"waits, {self.reason}: {self.detail}".removesuffix(": ")


@dataclass(frozen=True)
class Serve:
    """Do nothing: the member is healthy. `reconcile.py` keeps its labels right in every round."""


@dataclass(frozen=True)
class Join:
    """Start Group Replication towards these members of a live group, the one of this epoch."""

    group: str
    seeds: tuple[str, ...]
    epoch: int


@dataclass(frozen=True)
class Clone:
    """Replace this member's data by the donor's. `discarded` are the transactions that the group does not have."""

    donor: str
    discarded: str


@dataclass(frozen=True)
class Adopt:
    """Write the group that this member has stored into the Lease, which has none."""

    lease: LeaseState
    group: str


@dataclass(frozen=True)
class Bootstrap:
    """Take the Lease as it was read, and start a new group with this member alone; `group` is one claimed before."""

    lease: LeaseState
    epoch: int
    group: str | None = None


@dataclass(frozen=True)
class Reboot:
    """Take the Lease as it was read, and start its group again with this member alone, after all of it was down."""

    lease: LeaseState
    epoch: int
    forced: bool = False


@dataclass(frozen=True)
class Restart:
    """Leave the group and restart mysqld, whose Group Replication hangs."""


@dataclass(frozen=True)
class Leave:
    """Hand the primary's role to the successor, if any, and leave the group."""

    successor: str | None


@dataclass(frozen=True)
class Left:
    """The member may be stopped."""


Action = Wait | Serve | Join | Clone | Adopt | Bootstrap | Reboot | Restart | Leave | Left
