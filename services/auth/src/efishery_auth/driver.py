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

CHECK_SECONDS = 0.7  # what one look at the server takes at most: half to connect, half for the answer
BETWEEN_CHECKS_SECONDS = 0.5

Clock = Callable[[], float]


class Pulse:
    """Whether a server takes connections, asked by one at a time for all who wait."""

    def __init__(self, connect: Callable[[], Any], clock: Clock = time.monotonic) -> None:
        self._connect = connect
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._beats = False

    def beats(self) -> bool:
        """Answer whether a new connection can be made; what was found up to half a second ago counts."""
        with self._lock:
            if self._clock() - self._asked_at > BETWEEN_CHECKS_SECONDS:
                self._beats = self._ask()
                self._asked_at = self._clock()
            return self._beats

    def _ask(self) -> bool:
        try:
            self._connect().close()
        except (pymysql.MySQLError, OSError):
            return False
        return True


class PatientConnection(pymysql.Connection):
    """Waits for an answer until `deadline`, and until `limit` (monotonic seconds) as long as the server lives.

    Without a deadline it waits as long as `read_timeout` says. Raises pymysql.OperationalError 2013.
    """

    pulse: Pulse
    deadline: float | None = None
    limit: float = 0.0

    def _execute_command(self, command: int, sql: str | bytes) -> None:
        super()._execute_command(command, sql)  # type: ignore[misc]  # the driver has no public place between the two
        if self.deadline is not None:
            self._await_answer(self.deadline - CHECK_SECONDS)

    def _await_answer(self, check_at: float) -> None:
        while not self._has_answer(max(0.0, check_at - time.monotonic())):
            if time.monotonic() >= self.limit or not self.pulse.beats():
                self._force_close()  # type: ignore[attr-defined]
                raise pymysql.OperationalError(CR.CR_SERVER_LOST, "the server did not answer in time")
            check_at = min(time.monotonic() + BETWEEN_CHECKS_SECONDS, self.limit)

    def _has_answer(self, seconds: float) -> bool:
        sock = self._sock  # type: ignore[attr-defined]
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return True
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(seconds * 1000))


def wait_while_it_lives(engine: Engine) -> None:
    """Make the connections of `engine` PatientConnections, with one Pulse for all."""
    pulse: Pulse | None = None

    def connect(_dialect: object, _record: object, _arguments: list[Any], keywords: dict[str, Any]) -> Any:  # noqa: ANN401
        nonlocal pulse
        half = {"connect_timeout": CHECK_SECONDS / 2, "read_timeout": CHECK_SECONDS / 2}
        pulse = pulse or Pulse(lambda: pymysql.connect(**keywords | half))
        connection = PatientConnection(**keywords)
        connection.pulse = pulse
        return connection

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "checkin", _forget_deadline)


def _forget_deadline(connection: Any, _record: object) -> None:  # noqa: ANN401 -- None when it was lost
    if connection:
        connection.deadline = None
