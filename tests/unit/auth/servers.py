"""Database servers that fail in a certain way, and errors of statements and commits."""

import itertools
import socket
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import pymysql
from sqlalchemy import Engine, PoolProxiedConnection, event
from sqlalchemy.exc import OperationalError

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, socket(7)


@contextmanager
def silent_server() -> Iterator[tuple[int, list[socket.socket]]]:
    """Accept connections and send nothing, like a server behind a cut network; yield the port and the connections."""
    accepted: list[socket.socket] = []
    with _listening(accepted.append) as port:
        yield port, accepted


@contextmanager
def resetting_server() -> Iterator[int]:
    """Accept connections and reset them, like a proxy before a Service without endpoints; yield the port."""
    with _listening(_reset) as port:
        yield port


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    connection.close()


@contextmanager
def _listening(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, kept, handle), daemon=True)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()


def _serve(listener: socket.socket, kept: list[socket.socket], handle: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        kept.append(connection)
        handle(connection)


def mysql_error(code: int) -> OperationalError:
    """Return an error of MySQL as SQLAlchemy raises it."""
    return OperationalError("SELECT 1", None, pymysql.OperationalError(code, f"MySQL's error {code}"))


def fail_statements(engine: Engine, code: int, *, times: int | None = None) -> Callable[[], None]:
    """Make statements of this SQLite `engine` fail with MySQL's error of this number; return what ends that.

    All of them, or only the next `times`.
    """
    failures = itertools.count(1)

    def fail(*_: object) -> None:
        if times is None or next(failures) <= times:
            raise sqlite3.OperationalError(code, f"MySQL's error {code}")

    event.listen(engine, "do_execute", fail)
    return lambda: event.remove(engine, "do_execute", fail)


def lose_commit(engine: Engine, *, stored: bool) -> None:
    """Make the next commit of `engine` fail as on a lost connection, after the row was stored or before."""
    commit = engine.dialect.do_commit

    def lose(connection: PoolProxiedConnection) -> NoReturn:
        setattr(engine.dialect, "do_commit", commit)  # noqa: B010 -- a method, for mypy
        if stored:
            commit(connection)
        raise sqlite3.OperationalError(2013, "MySQL's error 2013")

    setattr(engine.dialect, "do_commit", lose)  # noqa: B010 -- as above
