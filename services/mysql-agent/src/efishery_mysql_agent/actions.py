"""What an agent can decide to do. `act.py` does it."""

from __future__ import annotations

from dataclasses import dataclass

from efishery_mysql_agent.gtid import GtidSet


@dataclass(frozen=True)
class Wait:
    """Do nothing; `what` says what would change that."""

    what: str


@dataclass(frozen=True)
class Serve:
    """The member is well: keep its label, and what depends on it, right."""


@dataclass(frozen=True)
class Join:
    """Start Group Replication towards these members of a live group."""

    group: str
    seeds: tuple[str, ...]


@dataclass(frozen=True)
class Clone:
    """Replace this member's data by the donor's. `discarded` is what the group does not have."""

    donor: str
    discarded: GtidSet


@dataclass(frozen=True)
class Claim:
    """Take the Lease and write into it that this member bootstraps the first group."""

    version: str


@dataclass(frozen=True)
class Adopt:
    """Write a group that exists into a Lease that knows none."""

    group: str


@dataclass(frozen=True)
class TakeLease:
    """Become the only one that may start a group."""

    version: str


@dataclass(frozen=True)
class Bootstrap:
    """Start the first group with this member alone."""

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
