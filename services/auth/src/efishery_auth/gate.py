"""Keeps a server that does not answer from taking all threads of the service."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from servicekit.errors import Unavailable

RETRY_AFTER_SECONDS = 2

Clock = Callable[[], float]


class Away(Unavailable):
    """The database cannot be asked now; nothing is known of it but that."""

    def __init__(self) -> None:
        super().__init__("the database is away; try again", retry_after=RETRY_AFTER_SECONDS)


@dataclass(frozen=True)
class Queue:
    """How many may wait for a place, and for how many seconds those who are patient, as long as the server `lives`.

    For the first `doubt` seconds they wait whether it shows life or not: this pod may be too busy to see it.
    """

    places: int
    seconds: float
    doubt: float
    lives: Callable[[], bool]


NO_PATIENCE = Queue(sys.maxsize, 0, 0, lambda: False)


class Gate:
    """Lets a few through at once, and nobody behind what is stuck, unless that lives.

    At most `limit` are inside. Others wait for a place, no longer than `stuck_seconds`, and not at all once nobody has
    entered or left for that long; those who are patient then wait on, see `Queue`.
    After a failure nobody enters for as long as that took, up to `stuck_seconds`, unless somebody else came through
    meanwhile: a failure that is told at once, as by a refused connection, closes the gate for next to nothing.
    """

    def __init__(
        self, limit: int, stuck_seconds: float, clock: Clock = time.monotonic, queue: Queue = NO_PATIENCE
    ) -> None:
        self._limit = limit
        self._stuck_seconds = stuck_seconds
        self._clock = clock
        self._queue = queue
        self._changed = threading.Condition()
        self._inside = 0
        self._waiting = 0
        self._closed_until = 0.0
        self._moved_at = 0.0
        self._passed_at = 0.0

    @contextmanager
    def passing(
        self, failures: tuple[type[Exception], ...], *, insist: float = 0, patient: bool = False
    ) -> Iterator[float]:
        """Be inside for the `with` block, whose `failures` close the gate. Raises Away when there is no way in.

        Gives the time of entering. Who insists, because there is nobody else to ask, enters a closed gate too, and
        waits for a place for that many seconds.
        """
        entered = self._enter(insist, patient)
        try:
            yield entered
            self._passed_at = self._clock()
        except failures:
            self._close(entered)
            raise
        finally:
            self._leave()

    def _enter(self, insist: float, patient: bool) -> float:
        came = self._clock()
        until = came + insist if insist else min(came, self._moved_at) + self._stuck_seconds
        with self._counted():
            entered = self._wait(until, insist > 0)
            if entered is None and patient:
                entered = self._wait_while_it_lives(came)
        if entered is None:
            raise Away
        return entered

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._changed:
            if self._inside >= self._limit and self._waiting >= self._queue.places:
                raise Away
            self._waiting += 1
        try:
            yield
        finally:
            with self._changed:
                self._waiting -= 1

    def _wait(self, until: float, insist: bool = False) -> float | None:
        with self._changed:
            while True:
                now = self._clock()
                if now < self._closed_until and not insist:
                    raise Away
                if self._inside < self._limit:
                    self._inside += 1
                    self._moved_at = now
                    return now
                # Who is told of a place while its time runs out takes it all the same: nobody else is told.
                if not self._changed.wait(until - now) and self._inside >= self._limit:
                    return None

    def _wait_while_it_lives(self, came: float) -> float | None:
        end = came + self._queue.seconds
        while (now := self._clock()) < end:
            if not self._queue.lives() and now - came >= self._queue.doubt:
                self._close(came)
                return None
            entered = self._wait(min(now + self._stuck_seconds, end))
            if entered is not None:
                return entered
        return None

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
