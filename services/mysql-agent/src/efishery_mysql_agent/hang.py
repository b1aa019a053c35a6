"""Whether Group Replication of this member hangs: mysqld shows a group that has gone on, or has ended, without it.

Seen with MySQL 9.7.4 in a member that had lost the majority, had left by itself and had joined again, in one process.
Nothing in mysqld ends it, and the other members do not start the group while one of them shows that it lives.
"""

from __future__ import annotations

import time

from efishery_mysql_agent.doubt import refuted
from efishery_mysql_agent.model import State, Status

CHECK_SECONDS = 10
# Longer than a group takes to expel a member, and than a member that leaves may go on answering the others (30 s).
HANG_SECONDS = 40


class Hang:
    """Compares an ONLINE member with what the others say of themselves, every CHECK_SECONDS."""

    def __init__(self) -> None:
        self._checked_at = time.monotonic()
        self._since: float | None = None

    @property
    def is_due(self) -> bool:
        """Whether to ask the peers again."""
        return time.monotonic() - self._checked_at >= CHECK_SECONDS

    def check(self, me: Status, peers: tuple[Status, ...]) -> bool:
        """Return whether the peers contradict the member at each check for long enough."""
        last, self._checked_at = self._checked_at, time.monotonic()
        if not (refuted(me, peers) or abandoned(me, peers)):
            self._since = None
            return False
        # After a pause of the agent, nothing is known of the time since the last check.
        if self._since is None or self._checked_at - last > 2 * CHECK_SECONDS:
            self._since = self._checked_at
        return self._checked_at - self._since >= HANG_SECONDS

    def forget(self) -> None:
        """Start again: the member is not ONLINE."""
        self._checked_at, self._since = time.monotonic(), None


def abandoned(me: Status, peers: tuple[Status, ...]) -> bool:
    """Whether so many members of the view say that they are in no group that the others are no majority."""
    members = me.view.members
    left = [peer for peer in peers if peer.pod in members and peer.state in (State.OFFLINE, State.ERROR)]
    return 2 * (len(members) - len(left)) <= len(members)
