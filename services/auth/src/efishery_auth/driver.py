"""A driver's connection that tells a server that is slow from one that is away.

A commit of Group Replication waits for the group, and the group waits for a member that joins. The primary answers
everybody else meanwhile, so whether it lives is asked on a connection beside the one that waits.
"""

import select
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import pymysql
from pymysql.constants import CR
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

ANSWER_SECONDS = 0.35  # to a ping, and to a connection where that one was lost
CHECK_SECONDS = 2 * ANSWER_SECONDS  # what one look at the server takes at most
BETWEEN_CHECKS_SECONDS = 0.5

Clock = Callable[[], float]


class Pulse:
    """Whether a server answers, asked by one at a time for all who wait."""

    def __init__(self, connect: Callable[[], Any], clock: Clock = time.monotonic) -> None:
        self._connect = connect
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._beats = False

    def beats(self) -> bool:
        """Answer whether `connect` gives a connection; what was found up to half a second ago counts."""
        with self._lock:
            if self._clock() - self._asked_at > BETWEEN_CHECKS_SECONDS:
                self._beats = self._ask()
                self._asked_at = self._clock()
            return self._beats

    def _ask(self) -> bool:
        try:
            self._connect().close()
        except (SQLAlchemyError, pymysql.MySQLError, OSError):
            return False
        return True


class PatientConnection(pymysql.Connection):
    """Waits for an answer until `deadline`, and with a pulse until `limit` (monotonic seconds) as long as that beats.

    Without a deadline it waits as long as `read_timeout` says. Raises pymysql.OperationalError 2013.
    """

    pulse: Pulse | None = None
    deadline: float | None = None
    limit: float = 0.0

    def _execute_command(self, command: int, sql: str | bytes) -> None:
        super()._execute_command(command, sql)  # type: ignore[misc]  # the driver has no public place between the two
        if self.deadline is not None:
            # A look at a server that is away takes its time too.
            self._await_answer(self.deadline - CHECK_SECONDS if self.pulse else self.deadline)

    def _await_answer(self, until: float) -> None:
        while not self._has_answer(max(0.0, until - time.monotonic())):
            if not self.pulse or time.monotonic() >= self.limit or not self.pulse.beats():
                self._force_close()  # type: ignore[attr-defined]
                raise pymysql.OperationalError(CR.CR_SERVER_LOST, "the server did not answer in time")
            until = min(time.monotonic() + BETWEEN_CHECKS_SECONDS, self.limit)

    def _has_answer(self, seconds: float) -> bool:
        sock = self._sock  # type: ignore[attr-defined]
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return True
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(seconds * 1000))


def use_patient_connections(engine: Engine, pulse: Pulse | None) -> None:
    """Make the connections of `engine` PatientConnections that ask `pulse`."""

    def connect(_dialect: object, _record: object, arguments: list[Any], keywords: dict[str, Any]) -> PatientConnection:
        connection = PatientConnection(*arguments, **keywords)
        connection.pulse = pulse
        return connection

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "checkin", _forget_deadline)


def _forget_deadline(connection: Any, _record: object) -> None:  # noqa: ANN401 -- None when it was lost
    if connection:
        connection.deadline = None
