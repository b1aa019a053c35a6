"""Waiting for an answer: as long as the server lives, and no longer; against a socket that answers or does not."""

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pymysql
import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import OperationalError

from efishery_auth.driver import (
    AWAY_SECONDS,
    BETWEEN_LOOKS_SECONDS,
    PatientConnection,
    Pulse,
    use_patient_connections,
)
from efishery_auth.mysql import pulse_of
from tests.unit.auth.clock import Clock
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
    if server:
        connection.pulse = Pulse(server.connect)
        connection.pulse.look().result(LONG)
        server.looks = server.connections = 0
    connection.deadline, connection.limit = time.monotonic() + deadline, time.monotonic() + limit
    return connection


def test_a_server_that_is_away_is_given_up_at_the_deadline(sockets: tuple[socket.socket, socket.socket]) -> None:
    connection = waiting(sockets[0], Server(lives=False), deadline=0.1, limit=LONG)
    with pytest.raises(pymysql.OperationalError, match="2013"):
        connection._execute_command(PING, "")
    assert not connection.open, "what comes later would be taken for the answer to another statement"


def test_one_that_lives_is_waited_for(sockets: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = sockets
    server = Server(lives=True)
    connection = waiting(ours, server, deadline=BETWEEN_LOOKS_SECONDS * 1.5, limit=LONG)
    answer = threading.Timer(3 * BETWEEN_LOOKS_SECONDS, theirs.send, [b"answer"])
    answer.start()
    connection._execute_command(PING, "")
    answer.join()
    assert server.looks > 1
    assert connection.open


def test_and_not_for_ever(sockets: tuple[socket.socket, socket.socket]) -> None:
    connection = waiting(sockets[0], Server(lives=True), deadline=0.1, limit=0.2)
    with pytest.raises(pymysql.OperationalError, match="2013"):
        connection._execute_command(PING, "")


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
    waiting(ours, server, deadline=LONG, limit=2 * LONG)._execute_command(PING, "")
    assert server.connections == 0


OK = b"\x07\x00\x00\x01\x00\x00\x00%c\x00\x00\x00"  # a packet of the protocol, with the server's status in it
AUTOCOMMIT, IN_TRANSACTION, BEFORE = 2, 1, 0


@pytest.mark.parametrize(
    ("status", "asked"),
    [(IN_TRANSACTION, True), (BEFORE, False), (AUTOCOMMIT, False), (AUTOCOMMIT | IN_TRANSACTION, False)],
)
@pytest.mark.parametrize("end", [PatientConnection.commit, PatientConnection.rollback])
def test_what_is_no_transaction_is_not_ended(
    sockets: tuple[socket.socket, socket.socket], status: int, asked: bool, end: Callable[[PatientConnection], None]
) -> None:
    ours, theirs = sockets
    connection = waiting(ours, None, deadline=LONG, limit=0)
    connection._rfile = ours.makefile("rb")  # type: ignore[attr-defined]
    theirs.send(OK % status)
    connection.ping(reconnect=False)
    theirs.recv(100)
    theirs.send(OK % BEFORE)
    end(connection)
    assert bool(select.select([theirs], [], [], 0)[0]) == asked


def test_what_an_error_left_is_rolled_back(sockets: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = sockets
    connection = waiting(ours, None, deadline=LONG, limit=0)
    theirs.send(b"no answer that says so")
    connection._execute_command(PING, "")
    assert connection._is_in_transaction()


def look(pulse: Pulse, clock: Clock) -> bool:
    clock.now += BETWEEN_LOOKS_SECONDS
    pulse.look().result(LONG)
    return pulse.beats()


def test_all_who_wait_look_once_on_a_connection_that_is_kept() -> None:
    clock, server = Clock(), Server(lives=True)
    pulse = Pulse(server.connect, clock)
    pulse.look().result(LONG)
    assert [pulse.beats() for _ in range(5)] == [True] * 5
    assert server.looks == 1
    assert look(pulse, clock)
    assert (server.looks, server.connections) == (2, 1)


def test_a_primary_is_away_when_it_has_answered_nobody_for_some_time() -> None:
    clock, server = Clock(), Server(lives=True)
    pulse = Pulse(server.connect, clock)
    assert look(pulse, clock)
    server.lives = False
    beats = [look(pulse, clock) for _ in range(3)]
    assert beats == [True, True, False]
    server.lives = True
    assert look(pulse, clock)


def test_a_former_primary_is_left_for_the_one_that_takes_writes() -> None:
    clock, former, new = Clock(), Server(lives=True), Server(lives=True)
    servers = [former, new]
    pulse = Pulse(lambda: servers[0].connect(), clock)
    assert look(pulse, clock)
    former.read_only = 1
    del servers[0]
    clock.now += AWAY_SECONDS
    assert look(pulse, clock)
    assert new.looks == 1
    new.read_only = 1
    clock.now += AWAY_SECONDS
    assert not look(pulse, clock), "nobody takes writes"


@pytest.mark.parametrize("server", [silent_server, resetting_server])
def test_the_pulse_of_a_server_that_takes_connections_and_says_nothing(server: object) -> None:
    with server() as found:  # type: ignore[operator]
        port = found[0] if isinstance(found, tuple) else found
        pulse = pulse_of(make_url(f"mysql+pymysql://nobody@127.0.0.1:{port}/none"))
        pulse.look().result(LONG)
        assert not pulse.beats()


def test_a_connection_goes_back_to_the_pool_without_its_deadline_and_its_pulse_is_warm() -> None:
    engine = create_engine("mysql+pymysql://nobody@127.0.0.1:1/none")
    server = Server(lives=True)
    pulse = Pulse(server.connect)
    use_patient_connections(engine, pulse)
    with pytest.raises(OperationalError):
        engine.connect()
    pulse.look().result(LONG)
    assert server.looks == 1
    connection = PatientConnection(defer_connect=True)
    connection.deadline = 1.0
    engine.pool.dispatch.reset(connection, None, None)
    assert connection.deadline is None
