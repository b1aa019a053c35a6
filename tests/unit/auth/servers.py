"""Servers that are away, each in its own way, and connections that are lost at a commit."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pymysql
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, socket(7)


@contextmanager
def silent_server() -> Iterator[tuple[int, list[socket.socket]]]:
    """Accept connections and say nothing, like a server behind a cut network; answer the port and who came."""
    came: list[socket.socket] = []
    with _listening(came.append) as port:
        yield port, came


@contextmanager
def resetting_server() -> Iterator[int]:
    """Accept connections and reset them, like a proxy before a Service without endpoints; answer the port."""
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


def lose_commits(engine: Engine, *stored: bool) -> None:
    """Make the next commits of `engine` fail as on a lost connection, each after it was stored or before."""
    left = list(stored)

    def lose(connection: Connection) -> None:
        if not left:
            return
        if left.pop(0):
            connection.connection.commit()
        raise OperationalError("COMMIT", None, pymysql.OperationalError(2013, "Lost connection"))

    event.listen(engine, "commit", lose)
