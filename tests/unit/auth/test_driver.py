"""Waiting for an answer: as long as the server lives, and no longer; against a socket that answers or does not."""

import socket
import threading
import time
from collections.abc import Iterator

import pymysql
import pytest
from sqlalchemy import create_engine, make_url

from efishery_auth.driver import (
    BETWEEN_CHECKS_SECONDS,
    CHECK_SECONDS,
    PatientConnection,
    Pulse,
    use_patient_connections,
)
from efishery_auth.mysql import pulse_of
from tests.unit.auth.servers import resetting_server, silent_server

PING = 14
LONG = 60.0


class Heart:
    """Counts who asks, and answers while it beats."""

    def __init__(self, *, beats: bool) -> None:
        self.asked = 0
        self.living = beats

    def close(self) -> None:
        pass

    def connect(self) -> "Heart":
        self.asked += 1
        if not self.living:
            raise pymysql.OperationalError(2003, "refused")
        return self


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def waiting(ours: socket.socket, heart: Heart | None, *, deadline: float, limit: float) -> PatientConnection:
    connection = PatientConnection(defer_connect=True)
    connection._sock = ours  # type: ignore[attr-defined]
    connection._current_timeout = None  # type: ignore[attr-defined]
    connection.pulse = Pulse(heart.connect) if heart else None
    connection.deadline, connection.limit = time.monotonic() + deadline, time.monotonic() + limit
    return connection


def test_a_server_that_is_away_is_given_up_at_the_deadline(sockets: tuple[socket.socket, socket.socket]) -> None:
    heart = Heart(beats=False)
    connection = waiting(sockets[0], heart, deadline=CHECK_SECONDS, limit=LONG)
    with pytest.raises(pymysql.OperationalError, match="2013"):
        connection._execute_command(PING, "")
    assert heart.asked == 1
    assert not connection.open, "what comes later would be taken for the answer to another statement"


def test_one_that_lives_is_waited_for(sockets: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = sockets
    heart = Heart(beats=True)
    connection = waiting(ours, heart, deadline=CHECK_SECONDS, limit=LONG)
    answer = threading.Timer(2 * BETWEEN_CHECKS_SECONDS, theirs.send, [b"answer"])
    answer.start()
    connection._execute_command(PING, "")
    answer.join()
    assert heart.asked >= 1
    assert connection.open


def test_and_not_for_ever(sockets: tuple[socket.socket, socket.socket]) -> None:
    connection = waiting(sockets[0], Heart(beats=True), deadline=CHECK_SECONDS, limit=BETWEEN_CHECKS_SECONDS)
    with pytest.raises(pymysql.OperationalError, match="2013"):
        connection._execute_command(PING, "")


def test_without_a_pulse_the_deadline_ends_it(sockets: tuple[socket.socket, socket.socket]) -> None:
    connection = waiting(sockets[0], None, deadline=0.01, limit=LONG)
    with pytest.raises(pymysql.OperationalError, match="2013"):
        connection._execute_command(PING, "")


def test_an_answer_in_time_asks_nobody(sockets: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = sockets
    heart = Heart(beats=False)
    theirs.send(b"answer")
    waiting(ours, heart, deadline=CHECK_SECONDS, limit=LONG)._execute_command(PING, "")
    assert heart.asked == 0


def test_all_who_wait_ask_once() -> None:
    now = 100.0
    heart = Heart(beats=True)
    pulse = Pulse(heart.connect, lambda: now)
    assert [pulse.beats() for _ in range(5)] == [True] * 5
    assert heart.asked == 1
    now += BETWEEN_CHECKS_SECONDS + 0.01
    heart.living = False
    assert not pulse.beats()
    assert heart.asked == 2


@pytest.mark.parametrize("server", [silent_server, resetting_server])
def test_the_pulse_of_a_server_that_takes_connections_and_says_nothing(server: object) -> None:
    with server() as found:  # type: ignore[operator]
        port = found[0] if isinstance(found, tuple) else found
        assert not pulse_of(make_url(f"mysql+pymysql://nobody@127.0.0.1:{port}/none")).beats()


def test_a_connection_goes_back_to_the_pool_without_its_deadline() -> None:
    engine = create_engine("mysql+pymysql://nobody@127.0.0.1:1/none")
    pulse = Pulse(Heart(beats=True).connect)
    use_patient_connections(engine, pulse)
    connection = PatientConnection(defer_connect=True)
    connection.deadline = 1.0
    engine.pool.dispatch.checkin(connection, None)
    assert connection.deadline is None
