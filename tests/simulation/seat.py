"""The model of one member's part in a group: what it has received, whom it hears, and which view it knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.network import Traffic

if TYPE_CHECKING:
    from tests.simulation.group import Group
    from tests.simulation.mysqld import Mysqld

SUSPECT_SECONDS = 5  # fixed in MySQL; then expelled at once (group_replication_member_expel_timeout = 0)


class View(NamedTuple):
    """The members at one time, and which of them is the primary."""

    id: str
    seats: tuple[Seat, ...]
    primary: Seat | None


@dataclass(eq=False)
class Seat:
    """The membership of one start of Group Replication in one mysqld.

    `received` counts the transactions of the group's log in memory, `stored` those on the volume.
    `active` ends with an error, or when Group Replication stops. `hung`: it shows for ever what it has shown last.
    """

    server: Mysqld
    group: Group
    view: View
    online: bool = False
    active: bool = True
    hung: bool = False
    received: int = 0
    stored: int = 0
    lost_at: float | None = None
    _heard: dict[Seat, float] = field(default_factory=dict)
    _heard_all: float = 0.0

    @property
    def running(self) -> bool:
        """Whether it takes part in the group's messages."""
        return self.active and not self.hung and self.server.process.running

    @property
    def state(self) -> str:
        """Its own member_state."""
        if not self.active:
            return "ERROR"
        return "ONLINE" if self.online else "RECOVERING"

    def hears(self, other: Seat) -> bool:
        """Whether packets from the other arrive."""
        network = self.group.world.network
        return other is self or (other.running and network.connects(Traffic.GROUP, self.server.pod, other.server.pod))

    def heard(self, other: Seat, at: float) -> None:
        """Note when the other was heard."""
        self._heard[other] = max(at, self._heard.get(other, 0))

    def heard_from_all(self) -> None:
        """Note that nobody is suspected."""
        self._heard.clear()
        self._heard_all = self.server.kernel.now

    def suspects(self, other: Seat) -> bool:
        """Whether the other was silent for too long."""
        if other is self or self.hung:
            return False
        return self.server.kernel.now - self._heard.get(other, self._heard_all) > SUSPECT_SECONDS

    def flush(self) -> None:
        """Write what was received to the volume."""
        for source, payload in self.group.log[self.stored : self.received]:
            self.server.volume.add(source, payload)
        self.stored = self.received

    def fail(self) -> None:
        """Leave by an error: group_replication_exit_state_action = OFFLINE_MODE."""
        self.active = False
        self.server.globals.update(super_read_only=1, offline_mode=1)
        self.group.world.log(self.server.pod, "member_state ERROR, offline mode")

    def install(self, view: View) -> None:
        """Learn of a view."""
        was_primary, self.view = self.view.primary is self, view
        if view.primary is self and not was_primary:
            self.flush()
            self.server.kernel.after(self.server.kernel.between(0.1, 1.5), self._become_writable)
        elif was_primary and view.primary is not self:
            self.server.globals["super_read_only"] = 1

    def _become_writable(self) -> None:
        if self.active and self.server.process.alive and self.view.primary is self:
            self.server.globals["super_read_only"] = 0
