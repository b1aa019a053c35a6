"""The actions that an agent can decide on. `execute.py` carries them out."""

from __future__ import annotations

from dataclasses import dataclass

from efishery_mysql_agent.gtid import GtidSet


@dataclass(frozen=True)
class Wait:
    """Do nothing; `what` names the condition that is waited for."""

    what: str


@dataclass(frozen=True)
class Serve:
    """Do nothing: the member is healthy. `reconcile.py` keeps its labels right in every round."""


@dataclass(frozen=True)
class Join:
    """Start Group Replication towards these members of a live group."""

    group: str
    seeds: tuple[str, ...]


@dataclass(frozen=True)
class Clone:
    """Replace this member's data by the donor's. `discarded` are the transactions that the group does not have."""

    donor: str
    discarded: GtidSet


@dataclass(frozen=True)
class Claim:
    """Take the Lease and write into it that this member bootstraps a new group."""

    version: str


@dataclass(frozen=True)
class Adopt:
    """Write the group that this member has stored into a Lease that has none."""

    group: str


@dataclass(frozen=True)
class TakeLease:
    """Become the holder of the Lease, the only member that may start the group."""

    version: str


@dataclass(frozen=True)
class Bootstrap:
    """Start a new group with this member alone."""

    group: str


@dataclass(frozen=True)
class Reboot:
    """Start the group again with this member alone, after all of it was down."""

    group: str
    forced: bool = False


@dataclass(frozen=True)
class Leave:
    """Hand the primary's role to the successor, if any, and leave the group."""

    successor: str | None


@dataclass(frozen=True)
class Left:
    """The member may be stopped."""


Action = Wait | Serve | Join | Clone | Claim | Adopt | TakeLease | Bootstrap | Reboot | Leave | Left
