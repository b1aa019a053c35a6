"""A driver's connection that tells a server that is slow from one that is away.

A commit of Group Replication waits for the group, and the group waits for a member that joins. The primary answers
everybody else meanwhile, so whether it lives is asked on a connection beside the ones that wait.
"""

import select
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pymysql
from pymysql.constants import CR
from pymysql.constants.SERVER_STATUS import SERVER_STATUS_IN_TRANS
from sqlalchemy import Engine, event

AWAY_SECONDS = 1.4  # without an answer to anybody
BETWEEN_LOOKS_SECONDS = 0.5  # who waits knows within 2 s that the primary is away

Clock = Callable[[], float]
Connection = Any  # pymysql.Connection, which is generic for type checkers only


class Pulse:
    """Whether there is a primary that lives, looked at by one thread for all who wait."""

    def __init__(self, connect: Callable[[], Connection], clock: Clock = time.monotonic) -> None:
        self._connect = connect
        self._clock = clock
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "pulse")
        self._last: Future[None] | None = None
        self._began_at = float("-inf")
        self._beat_at = float("-inf")
        self._kept: Connection | None = None

    def beats(self) -> bool:
        """Answer whether a server takes writes, by a look that began in the last 1.4 s; begin another."""
        self.look()
        return self._clock() - self._beat_at < AWAY_SECONDS

    def look(self) -> Future[None]:
        """Begin a look, unless one runs or has just begun; answer the last."""
        with self._lock:
            now = self._clock()
            if self._last is None or (self._last.done() and now - self._began_at >= BETWEEN_LOOKS_SECONDS):
                self._began_at = now
                self._last = self._thread.submit(self._look, now)
            return self._last

    def _look(self, began: float) -> None:
        # Twice: the connection that was kept may be lost, or lead to a former primary.
        if self._takes_writes() or self._takes_writes():
            self._beat_at = began

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
    Commits, or rolls back, only what the server calls a transaction: else that is a question for nothing.
    Raises pymysql.OperationalError 2013.
    """

    pulse: Pulse | None = None
    deadline: float | None = None
    limit: float = 0.0
    server_status = 0  # until the server has said one

    def commit(self) -> None:
        if self._is_in_transaction():
            super().commit()

    def rollback(self) -> None:
        if self._is_in_transaction():
            super().rollback()

    def _is_in_transaction(self) -> bool:
        return bool(self.server_status & SERVER_STATUS_IN_TRANS) and not self.get_autocommit()

    def _execute_command(self, command: int, sql: str | bytes) -> None:
        # Until an answer says otherwise: errors do not, and those with rows are not read for it by the driver.
        self.server_status |= SERVER_STATUS_IN_TRANS
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
        patient = self.pulse if self.limit > self.deadline else None
        until = self.deadline
        while not self._has_answer(min(BETWEEN_LOOKS_SECONDS, until - time.monotonic())):
            beats = patient is not None and patient.beats()
            now = time.monotonic()
            if now < self.deadline:
                continue
            if (not beats or now >= self.limit) and not self._has_answer(0):
                raise pymysql.OperationalError(CR.CR_SERVER_LOST, "the server did not answer in time")
            until = self.limit

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
