"""The model of Group Replication: one object for each start of a group, and a seat in it for each member.

Paxos is not modelled but granted: one sequence of views and one log of transactions, each step agreed by a majority
of the view before. What the members know of it, and when, is what the model is about.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from tests.simulation.seat import Seat, View

if TYPE_CHECKING:
    from tests.simulation.mysqld import Mysqld, Payload
    from tests.simulation.world import World

BEAT_SECONDS = 0.5
UNREACHABLE_MAJORITY_SECONDS = 1  # group_replication_unreachable_majority_timeout


class Group:
    """One start of a group, by `server` alone."""

    def __init__(self, world: World, server: Mysqld, name: str) -> None:
        self.world, self.name = world, name
        # The first part of VIEW_ID: the wall clock of the member that starts the group, and a random number.
        self._began = int(world.wall_clock(server.pod).timestamp() * 1e6) * 10 + world.kernel.random.randrange(10)
        self._views = count(1)
        self.log: list[tuple[str, Payload]] = []
        self.seats: list[Seat] = []
        self.outside: list[Seat] = []  # expelled; they do not know it yet
        self.view = View("", (), None)
        self.add(server).online = True
        self._change(self.seats[0])
        self.seats[0].install(self.view)
        world.kernel.after(BEAT_SECONDS, self._beat)

    def add(self, server: Mysqld) -> Seat:
        """Let a member in; it is RECOVERING."""
        seat = Seat(server, self, self.view)
        seat.heard_from_all()
        self.seats.append(seat)
        server.seat = seat
        self._change(self.view.primary)
        seat.view = self.view
        for other in self.seats:
            other.heard(seat, self.world.kernel.now)
        return seat

    def remove(self, seats: list[Seat]) -> None:
        """Go on without these members; the lowest uuid of those ONLINE is the primary if the primary is gone."""
        self.seats = [seat for seat in self.seats if seat not in seats]
        primary = self.view.primary
        if primary in seats:
            electable = [seat for seat in self.seats if seat.online]
            primary = min(electable, key=lambda seat: seat.server.volume.uuid, default=None)
        self._change(primary)

    def appoint(self, seat: Seat) -> None:
        """Change the primary; the view stays."""
        self.world.log("group", f"primary {seat.server.pod}")
        self.view = View(self.view.id, self.view.seats, seat)

    @property
    def lives(self) -> bool:
        """Whether it has a majority, and data in it."""
        leader = self.leader()
        return leader is not None and any(seat.online for seat in self.reach(leader))

    def leader(self) -> Seat | None:
        """A member that reaches a majority now, if there is one."""
        return next((seat for seat in self.seats if seat.running and 2 * len(self.reach(seat)) > len(self.seats)), None)

    def reach(self, seat: Seat) -> list[Seat]:
        """The members that this one reaches now."""
        return [other for other in self.seats if seat.hears(other)]

    def commit(self, seat: Seat, payload: Payload) -> bool:
        """Commit a transaction of the primary; False where the group does not agree to it."""
        if self.view.primary is not seat or seat not in self.seats or not seat.running:
            return False
        reached = self.reach(seat)
        if 2 * len(reached) <= len(self.seats):
            return False
        self.log.append((self.name, payload))
        for other in reached:
            if other.online:
                other.received = len(self.log)
        seat.flush()
        return True

    def _change(self, primary: Seat | None) -> None:
        self.view = View(f"{self._began}:{next(self._views)}", tuple(self.seats), primary)
        members = ",".join(seat.server.pod for seat in self.seats)
        self.world.log("group", f"view {self.view.id} {members}, primary {primary.server.pod if primary else 'none'}")

    def _beat(self) -> None:
        seats = [*self.seats, *self.outside]
        if not any(seat.active and seat.server.process.alive for seat in seats):
            return
        self.world.kernel.after(BEAT_SECONDS, self._beat)
        if self.world.network.whole and not self.outside and all(seat.running for seat in seats):
            for seat in seats:
                seat.heard_from_all()
        else:
            self._exchange([seat for seat in seats if seat.running])
        leader = self.leader()
        if leader:
            self._advance(leader)

    def _exchange(self, running: list[Seat]) -> None:
        now = self.world.kernel.now
        for seat in running:
            for other in dict.fromkeys((*seat.view.seats, *self.seats)):
                if seat.hears(other):
                    seat.heard(other, now)
            self._check_majority(seat)
        self.outside = [seat for seat in self.outside if seat.active and seat.server.process.alive]
        for seat in self.outside:
            knows = seat.running and any(seat.hears(other) for other in self.seats)
            if knows and self.world.kernel.random.random() < 0.3:
                seat.fail()

    def _check_majority(self, seat: Seat) -> None:
        # It has agreed to who is in the group, even if it does not show the view yet.
        members = self.seats if seat in self.seats else seat.view.seats
        if 2 * sum(map(seat.suspects, members)) < len(members):
            seat.lost_at = None
        elif seat.lost_at is None:
            seat.lost_at = self.world.kernel.now
        elif self.world.kernel.now - seat.lost_at >= UNREACHABLE_MAJORITY_SECONDS and seat.active:
            seat.server.left_without_majority = True
            seat.fail()

    def _advance(self, leader: Seat) -> None:
        """What a majority does: expel, deliver transactions, install the view."""
        expelled = [seat for seat in self.seats if leader.suspects(seat)]
        if expelled:
            self.outside += expelled
            self.remove(expelled)
        for seat in self.reach(leader):
            if seat.online:
                seat.received = len(self.log)
                seat.flush()
            if seat.view is not self.view and self.world.kernel.random.random() < 0.7:
                seat.install(self.view)
