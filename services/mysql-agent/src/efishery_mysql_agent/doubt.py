"""Whether what mysqld says of the group counts: after a pause it first shows the group as it was before."""

from __future__ import annotations

import time

from efishery_mysql_agent.model import Member, State, Status

# With the majority for so long, a member is in the group: if it were cut off, its own failure detector would have
# missed the others after 5 s.
DOUBT_SECONDS = 10


class Doubt:
    """Begins with the agent, with each pause, and when a peer refutes the member.

    Ends by another member's word, or after a while with the majority.
    """

    def __init__(self) -> None:
        self._since: float | None = time.monotonic()

    def __bool__(self) -> bool:
        return self._since is not None

    def begin(self) -> None:
        """Doubt, from now on."""
        self._since = time.monotonic()

    def settle(self, me: Status, peers: tuple[Status, ...]) -> None:
        """Begin if the peers refute the member; end if they confirm it, or none refutes it for long enough."""
        if me.refuted_by(peers) or (self and not me.quorum):
            self.begin()
        elif self._since is not None:
            lasts = time.monotonic() - self._since
            if confirmed(me, peers) or lasts > DOUBT_SECONDS:
                self._since = None


def confirmed(me: Status, peers: tuple[Status, ...]) -> bool:
    """Whether another member, in the same view, sees this one ONLINE and in the same role.

    A RECOVERING member is in the view, too.
    """
    mine = Member(me.pod, State.ONLINE, me.role)
    return len(me.members) == 1 or any(
        peer.has_majority and peer.view == me.view and mine in peer.members for peer in peers
    )
