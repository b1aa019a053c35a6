"""Keeps a server that does not answer from taking all threads of the service."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from servicekit.errors import Unavailable

RETRY_AFTER_SECONDS = 2

Clock = Callable[[], float]


class Away(Unavailable):
    """The database cannot be asked now; nothing is known of it but that."""

    def __init__(self) -> None:
        super().__init__("the database is away; try again", retry_after=RETRY_AFTER_SECONDS)


class Gate:
    """Lets a few through at once, and nobody behind what is stuck.

    At most `limit` are inside. Others wait for a place, no longer than `stuck_seconds`, and not at all once nobody has
    entered or left for that long.
    After a failure nobody enters for as long as that took, up to `stuck_seconds`, unless somebody else came through
    meanwhile: a failure that is told at once, as by a refused connection, closes the gate for next to nothing.
    """

    def __init__(self, limit: int, stuck_seconds: float, clock: Clock = time.monotonic) -> None:
        self._limit = limit
        self._stuck_seconds = stuck_seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._inside = 0
        self._closed_until = 0.0
        self._moved_at = 0.0
        self._passed_at = 0.0

    @contextmanager
    def passing(self, failures: tuple[type[Exception], ...], *, insist: bool = False) -> Iterator[None]:
        """Be inside for the `with` block, whose `failures` close the gate. Raises Away when there is no way in.

        Who insists, because there is nobody else to ask, enters a closed gate too, as far as there is a place.
        """
        since = self._enter(insist)
        try:
            yield
            self._passed_at = self._clock()
        except failures:
            self._close(since)
            raise
        finally:
            self._leave()

    def _enter(self, insist: bool) -> float:
        with self._changed:
            came = self._clock()
            while True:
                now = self._clock()
                if now < self._closed_until and not insist:
                    raise Away
                if self._inside < self._limit:
                    self._inside += 1
                    self._moved_at = now
                    return now
                left = min(came, self._moved_at) + self._stuck_seconds - now
                if left <= 0 or not self._changed.wait(left):
                    raise Away

    def _close(self, since: float) -> None:
        with self._changed:
            if self._passed_at > since:
                return
            now = self._clock()
            self._closed_until = max(self._closed_until, now + min(now - since, self._stuck_seconds))
            self._changed.notify_all()  # who waits is refused now, not when its patience ends

    def _leave(self) -> None:
        with self._changed:
            self._inside -= 1
            self._moved_at = self._clock()
            self._changed.notify()
