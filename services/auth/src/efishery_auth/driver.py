"""A driver's connection that tells a server that is slow from one that is away.

A commit of Group Replication waits for the group, and the group waits for a member that joins. The primary answers
everybody else meanwhile, so whether it lives is asked on a connection beside the one that waits.
"""

import select
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any

import pymysql
from pymysql.constants import CR
from sqlalchemy import Engine, event

CHECK_SECONDS = 0.7  # what one look at the primary takes at most, for who waits for it
BETWEEN_CHECKS_SECONDS = 0.5

Clock = Callable[[], float]
Connection = Any  # pymysql.Connection, which is generic for type checkers only


class Pulse:
    """Whether there is a primary that lives, looked at by one thread for all who wait."""

    def __init__(self, connect: Callable[[], Connection], clock: Clock = time.monotonic) -> None:
        self._connect = connect
        self._clock = clock
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "pulse")
        self._last: Future[bool] | None = None
        self._ended_at = 0.0
        self._kept: Connection | None = None

    def beats(self) -> bool:
        """Answer within 0.7 s whether a server takes writes; what was found up to half a second ago counts."""
        look = self.look()
        wait([look], CHECK_SECONDS)
        return look.done() and look.exception() is None and look.result()

    def look(self) -> Future[bool]:
        """Begin a look, unless one runs or has just ended; answer it."""
        with self._lock:
            last = self._last
            if last is None or (last.done() and self._clock() - self._ended_at > BETWEEN_CHECKS_SECONDS):
                last = self._last = self._thread.submit(self._look)
            return last

    def _look(self) -> bool:
        try:
            # Twice: the connection that was kept may be lost, or lead to a former primary.
            return self._takes_writes() or self._takes_writes()
        finally:
            self._ended_at = self._clock()

    def _takes_writes(self) -> bool:
        with suppress(pymysql.MySQLError, OSError):
            self._kept = self._kept or self._connect()
            with self._kept.cursor() as cursor:
                cursor.execute("SELECT @@GLOBAL.read_only")
                if cursor.fetchone() == (0,):
                    return True
        kept, self._kept = self._kept, None
        if kept:
            with suppress(pymysql.MySQLError):
                kept.close()
        return False


class PatientConnection(pymysql.Connection):
    """Waits for an answer until `deadline`, and until `limit` if that is later, as long as `pulse` beats.

    Both are monotonic seconds. Without a deadline it waits as long as `read_timeout` says.
    Raises pymysql.OperationalError 2013.
    """

    pulse: Pulse | None = None
    deadline: float | None = None
    limit: float = 0.0

    def _execute_command(self, command: int, sql: str | bytes) -> None:
        super()._execute_command(command, sql)  # type: ignore[misc]  # the driver has no public place between the two
        try:
            self._await_answer()
        except BaseException:
            # What comes later would be taken for the answer to another statement.
            self._force_close()  # type: ignore[attr-defined]
            raise

    def _await_answer(self) -> None:
        if self.deadline is None:
            return
        patient = self.pulse and self.limit > self.deadline
        # A look at a primary that is away takes its time too.
        until = self.deadline - CHECK_SECONDS if patient else self.deadline
        while not self._has_answer(until - time.monotonic()):
            lives = patient and time.monotonic() < self.limit and self.pulse and self.pulse.beats()
            if not lives and not self._has_answer(0):
                raise pymysql.OperationalError(CR.CR_SERVER_LOST, "the server did not answer in time")
            until = min(time.monotonic() + BETWEEN_CHECKS_SECONDS, self.limit)

    def _has_answer(self, seconds: float) -> bool:
        sock = self._sock  # type: ignore[attr-defined]
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return True
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(max(0.0, seconds) * 1000))


def use_patient_connections(engine: Engine, pulse: Pulse | None) -> None:
    """Make the connections of `engine` PatientConnections that ask `pulse`."""

    def connect(_dialect: object, _record: object, arguments: list[Any], keywords: dict[str, Any]) -> PatientConnection:
        connection = PatientConnection(*arguments, **keywords)
        connection.pulse = pulse
        if pulse:
            pulse.look()  # so that its connection is there when it is needed
        return connection

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "reset", _forget_deadline)


def _forget_deadline(connection: Any, *_: object) -> None:  # noqa: ANN401 -- the driver's
    connection.deadline = None
