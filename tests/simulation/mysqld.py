"""The model of one mysqld, and of the volume that outlives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation.kernel import Process

if TYPE_CHECKING:
    from tests.simulation.kernel import Kernel
    from tests.simulation.seat import Seat

# A client's row is its number, a statement on an account is the user and the new password.
Payload = int | tuple[str, str]
ERRANT = -1  # a row that somebody wrote to one member outside of the group


@dataclass(eq=False)
class Volume:
    """What survives a crash. `data` are the transactions by source; the n-th of a source has the GTID `source:n`.

    `folder` is the agent's on the same volume.
    """

    uuid: str
    folder: Path
    data: dict[str, list[Payload]] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=lambda: {"root": ""})
    _executed: str | None = ""

    @property
    def executed(self) -> str:
        """The set of GTIDs as MySQL writes it."""
        if self._executed is None:
            sizes = ((source, len(rows)) for source, rows in sorted(self.data.items()))
            self._executed = ",\n".join(f"{source}:1-{size}" if size > 1 else f"{source}:1" for source, size in sizes)
        return self._executed

    @property
    def size(self) -> tuple[int, int]:
        """The numbers of clients' rows and of all transactions."""
        return len(self.rows()), sum(map(len, self.data.values()))

    def add(self, source: str, payload: Payload) -> None:
        """Store one transaction."""
        self.data.setdefault(source, []).append(payload)
        self._executed = None
        if isinstance(payload, tuple):
            self.users[payload[0]] = payload[1]

    def absorb(self, donor: Volume) -> None:
        """Store all transactions of the donor whose GTIDs are missing here; equal GTIDs are taken for equal data."""
        for source, rows in donor.data.items():
            for payload in rows[len(self.data.get(source, ())) :]:
                self.add(source, payload)

    def replace(self, donor: Volume) -> None:
        """Become a copy of the donor's data."""
        self.data = {source: list(rows) for source, rows in donor.data.items()}
        self.users = dict(donor.users)
        self._executed = None

    def clear(self) -> None:
        """Drop all data and GTIDs, as a clone does first; with 9.7.4 it stays so if the donor fails."""
        self.data = {}
        self._executed = None

    def has_beyond(self, others: list[Volume]) -> bool:
        """Whether it has GTIDs that none of the others has."""
        most = {source: max(len(other.data.get(source, ())) for other in others) for source in self.data}
        return any(len(rows) > most[source] for source, rows in self.data.items())

    def replicated(self) -> dict[str, list[Payload]]:
        """What all members must have alike."""
        return {source: rows for source, rows in self.data.items() if ERRANT not in rows}

    def rows(self) -> set[int]:
        """The clients' rows."""
        return {payload for rows in self.data.values() for payload in rows if isinstance(payload, int)} - {ERRANT}


class Mysqld:
    """One process, from its start to its end. `ready_at` is when it has replayed its log."""

    def __init__(self, kernel: Kernel, pod: str, volume: Volume, ready_at: float) -> None:
        self.kernel, self.pod, self.volume, self.ready_at = kernel, pod, volume, ready_at
        self.process = Process(kernel, f"mysqld of {pod}")
        self.globals: dict[str, object] = {
            "super_read_only": 1,
            "offline_mode": 0,
            "group_replication_group_name": "",
            "group_replication_group_seeds": "",
            "group_replication_bootstrap_group": 0,
            "clone_valid_donor_list": "",
        }
        self.seat: Seat | None = None
        self.slow_until = 0.0
        self.ended_group = False  # by STOP GROUP_REPLICATION, as the only member
        self.left_without_majority = False  # which leaves the communication engine behind

    @property
    def answers(self) -> bool:
        """Whether it takes connections."""
        return self.process.running and self.kernel.now >= self.ready_at

    @property
    def writable(self) -> bool:
        """Whether it would let a client write."""
        return self.answers and not self.globals["super_read_only"] and not self.globals["offline_mode"]

    def continue_(self) -> None:
        """Continue after a stop; it first sees the group as it was."""
        self.process.continue_()
        if self.seat:
            self.seat.heard_from_all()
