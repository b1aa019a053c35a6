"""Waiting for an answer: as long as the server lives, and no longer; against a socket that answers or does not."""

import socket
import threading
import time
from collections.abc import Iterator

import pymysql
import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import OperationalError

from efishery_auth import driver
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


class Server:
    """Answers a Pulse: whether it takes connections, and whether it takes writes."""

    def __init__(self, *, lives: bool, read_only: int = 0) -> None:
        self.connections = 0
        self.looks = 0
        self.lives = lives
        self.read_only = read_only

    def connect(self) -> "Server":
        self.connections += 1
        self._answer()
        return self

    def cursor(self) -> "Server":
        return self

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, _statement: str) -> None:
        self.looks += 1
        self._answer()

    def fetchone(self) -> tuple[int]:
        return (self.read_only,)

    def close(self) -> None:
        pass

    def _answer(self) -> None:
        if not self.lives:
            raise pymysql.OperationalError(2003, "refused")


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def waiting(ours: socket.socket, server: Server | None, *, deadline: float, limit: float) -> PatientConnection:
    connection = PatientConnection(defer_connect=True)
    connection._sock = ours  # type: ignore[attr-defined]  # without a server to log in to
    connection._current_timeout = None  # type: ignore[attr-defined]
    connection.pulse = Pulse(server.connect) if server else None
    connection.deadline, connection.limit = time.monotonic() + deadline, time.monotonic() + limit
    return connection


def test_a_server_that_is_away_is_given_up_before_the_deadline(
    sockets: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "CHECK_SECONDS", LONG)
    connection = waiting(sockets[0], Server(lives=False), deadline=LONG, limit=2 * LONG)
    assert connection.deadline
    with pytest.raises(pymysql.OperationalError, match="2013"):
        connection._execute_command(PING, "")
    assert time.monotonic() < connection.deadline
    assert not connection.open, "what comes later would be taken for the answer to another statement"


def test_one_that_lives_is_waited_for(sockets: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = sockets
    server = Server(lives=True)
    connection = waiting(ours, server, deadline=CHECK_SECONDS, limit=LONG)
    answer = threading.Timer(2 * BETWEEN_CHECKS_SECONDS, theirs.send, [b"answer"])
    answer.start()
    connection._execute_command(PING, "")
    answer.join()
    assert server.looks > 0
    assert connection.open


def test_and_not_for_ever(sockets: tuple[socket.socket, socket.socket]) -> None:
    server = Server(lives=True)
    connection = waiting(sockets[0], server, deadline=0, limit=BETWEEN_CHECKS_SECONDS)
    with pytest.raises(pymysql.OperationalError, match="2013"):
        connection._execute_command(PING, "")
    assert server.looks > 0


@pytest.mark.parametrize("limit", [0, LONG])
def test_who_is_not_patient_or_has_no_pulse_asks_nobody(
    sockets: tuple[socket.socket, socket.socket], limit: float
) -> None:
    server = Server(lives=True)
    connection = waiting(sockets[0], None if limit else server, deadline=0.01, limit=limit)
    with pytest.raises(pymysql.OperationalError, match="2013"):
        connection._execute_command(PING, "")
    assert server.looks == 0


def test_an_answer_that_comes_during_the_look_is_taken(sockets: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = sockets
    server = Server(lives=False)
    connection = waiting(ours, server, deadline=0, limit=LONG)
    assert connection.pulse
    look = connection.pulse.beats

    def answer_and_look() -> bool:
        theirs.send(b"answer")
        return look()

    connection.pulse.beats = answer_and_look  # type: ignore[method-assign]
    connection._execute_command(PING, "")
    assert connection.open


def test_an_answer_in_time_asks_nobody(sockets: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = sockets
    server = Server(lives=False)
    theirs.send(b"answer")
    waiting(ours, server, deadline=CHECK_SECONDS, limit=LONG)._execute_command(PING, "")
    assert server.connections == 0


def test_all_who_wait_look_once_on_a_connection_that_is_kept() -> None:
    now = 100.0
    server = Server(lives=True)
    pulse = Pulse(server.connect, lambda: now)
    assert [pulse.beats() for _ in range(5)] == [True] * 5
    assert server.looks == 1
    now += BETWEEN_CHECKS_SECONDS + 0.01
    assert pulse.beats()
    assert (server.looks, server.connections) == (2, 1)
    now += BETWEEN_CHECKS_SECONDS + 0.01
    server.lives = False
    assert not pulse.beats()


def test_a_former_primary_is_left_for_the_one_that_takes_writes() -> None:
    now = 100.0
    former, new = Server(lives=True), Server(lives=True)
    servers = [former, new]
    pulse = Pulse(lambda: servers[0].connect(), lambda: now)
    assert pulse.beats()
    former.read_only = 1
    del servers[0]
    now += BETWEEN_CHECKS_SECONDS + 0.01
    assert pulse.beats()
    assert new.looks == 1
    new.read_only = 1
    now += BETWEEN_CHECKS_SECONDS + 0.01
    assert not pulse.beats(), "nobody takes writes"


@pytest.mark.parametrize("server", [silent_server, resetting_server])
def test_the_pulse_of_a_server_that_takes_connections_and_says_nothing(server: object) -> None:
    with server() as found:  # type: ignore[operator]
        port = found[0] if isinstance(found, tuple) else found
        assert not pulse_of(make_url(f"mysql+pymysql://nobody@127.0.0.1:{port}/none")).beats()


def test_a_connection_goes_back_to_the_pool_without_its_deadline_and_with_a_warm_pulse() -> None:
    engine = create_engine("mysql+pymysql://nobody@127.0.0.1:1/none")
    server = Server(lives=True)
    pulse = Pulse(server.connect)
    use_patient_connections(engine, pulse)
    with pytest.raises(OperationalError):
        engine.connect()
    assert pulse.look().result(30)
    assert server.looks == 1
    connection = PatientConnection(defer_connect=True)
    connection.deadline = 1.0
    engine.pool.dispatch.reset(connection, None, None)
    assert connection.deadline is None
