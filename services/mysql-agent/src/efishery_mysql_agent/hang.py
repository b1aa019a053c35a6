"""Whether Group Replication of this member hangs: mysqld shows a group that has gone on, or has ended, without it.

Seen with MySQL 9.7.4 in a member that had lost the majority, had left by itself and had joined again, in one process.
Nothing in mysqld ends it, and the other members do not start the group while one of them shows that it lives.
"""

from __future__ import annotations

import time

from efishery_mysql_agent.model import State, Status

CHECK_SECONDS = 10
# Longer than a group takes to expel a member, and than a member that leaves may go on answering the others (30 s).
HANG_SECONDS = 40


class Hang:
    """Compares a member of a group with what the others say of themselves, every CHECK_SECONDS."""

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
        if not (me.refuted_by(peers) or abandoned(me, peers)):
            self._since = None
            return False
        # After a pause of the agent, nothing is known of the time since the last check.
        if self._since is None or self._checked_at - last > 2 * CHECK_SECONDS:
            self._since = self._checked_at
        return self._checked_at - self._since >= HANG_SECONDS

    def forget(self) -> None:
        """Start again: the member is in no group, or mysqld does not answer."""
        self._checked_at, self._since = time.monotonic(), None


def abandoned(me: Status, peers: tuple[Status, ...]) -> bool:
    """Whether a member of the view says that it is in no group, and those that say they are in one are no majority.

    A group would have expelled the first by now, or, having lost the majority, would have ended.
    """
    states = [peer.state for peer in peers if peer.pod in me.view.members]
    has_left = State.OFFLINE in states or State.ERROR in states
    in_group = 1 + states.count(State.ONLINE) + states.count(State.RECOVERING)
    return has_left and 2 * in_group <= len(me.view.members)
