"""The history of all operations, and its check against what the members store: nothing lost, nothing unexpected."""

import itertools
from dataclasses import dataclass, field
from typing import Literal

from tests.e2e.mysql.members import Contents

Kind = Literal["write", "read", "register"]
Outcome = Literal["ok", "failed", "unknown"]


@dataclass(frozen=True)
class Operation:
    """One operation of a client: the key of its row, when it was sent and done (epoch seconds), and its outcome.

    The outcomes are those of Jepsen's histories (ok, fail, info).
    """

    kind: Kind
    key: str
    sent: float
    done: float
    outcome: Outcome
    """`ok`: acknowledged; `failed`: certainly not applied; `unknown`: it may have been applied."""
    detail: str = ""


def outcome_of_registration(status: int) -> Outcome:
    """Return what the HTTP status of a registration says about its row."""
    if status == 201:
        return "ok"
    # 409: the row may come from an earlier attempt at the same registration. 503: the commit may have been applied
    # though its answer did not arrive in time.
    return "failed" if 400 <= status < 500 and status != 409 else "unknown"


@dataclass
class History:
    """The keys of all writes since the first fault."""

    acknowledged: set[str] = field(default_factory=set)
    possible: set[str] = field(default_factory=set)
    """Acknowledged, or of unknown outcome: the row may be stored."""

    def add(self, operations: list[Operation]) -> None:
        """Record the writes and registrations among these."""
        writes = [operation for operation in operations if operation.kind != "read"]
        self.acknowledged |= {operation.key for operation in writes if operation.outcome == "ok"}
        self.possible |= {operation.key for operation in writes if operation.outcome != "failed"}

    def lost(self, members: list[Contents]) -> set[str]:
        """Return the keys that were acknowledged and are missing from any member."""
        return {key for contents in members for key in self.acknowledged - contents.keys}

    def unexpected(self, members: list[Contents]) -> set[str]:
        """Return the keys that any member stores twice, or stores though no write of them can have been applied."""
        return {key for contents in members for key in (contents.keys - self.possible) | contents.duplicates}


def longest_gap(times: list[float], start: float, end: float) -> float:
    """Return the longest time (seconds) between two neighbours of `start`, the times between, and `end`."""
    points = [start, *sorted(time for time in times if start < time < end), end]
    return max(after - before for before, after in itertools.pairwise(points))
