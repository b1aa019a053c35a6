"""In place of pymysql.connect(): a connection of the agent to the model of its own mysqld."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import pymysql

from tests.simulation.kernel import current_thread
from tests.simulation.known_statements import run

if TYPE_CHECKING:
    from tests.simulation.world import World

Row = dict[str, Any]
SLOW_SECONDS = (1.0, 6.0)  # that a statement takes while mysqld is slow
BY_SOCKET = ("mysql_agent",)  # accounts that need no password over the socket


class Connection:
    """A connection to one mysqld; it ends with it."""

    def __init__(self, world: World, user: str, password: str = "", **options: Any) -> None:
        self._world, self._kernel = world, world.kernel
        self._timeout = float(options.get("read_timeout") or 3600)
        server = world.pods[current_thread().process.name].server
        if not server or not server.process.alive or self._kernel.now < server.ready_at:
            raise _refused()
        self._server, self.open = server, True
        self._wait_for_server(float(options["connect_timeout"]))
        if server.volume.users.get(user) != ("" if user in BY_SOCKET else password):
            raise pymysql.OperationalError(1045 if password else 1698, f"Access denied for user '{user}'")

    def cursor(self) -> Cursor:
        """Open a cursor."""
        return Cursor(self)

    def close(self) -> None:
        """Close the connection."""
        self.open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute(self, statement: str, values: Sequence[Any]) -> list[Row]:
        """Run a statement."""
        self._wait_for_server(self._timeout)
        return run(self._world, self._server, statement, values)

    def _wait_for_server(self, timeout: float) -> None:
        kernel, server = self._kernel, self._server
        slow = kernel.between(*SLOW_SECONDS) if kernel.now < server.slow_until else 0
        deadline = kernel.now + timeout
        kernel.sleep(min(timeout, slow + kernel.between(0.001, 0.01)))
        while server.process.stopped and server.process.alive and kernel.now < deadline:
            kernel.sleep(min(0.25, deadline - kernel.now))
        if not server.process.running or slow > timeout:
            self.open = False
            raise pymysql.OperationalError(2013, "Lost connection to MySQL server during query")


class Cursor:
    """A cursor of dictionaries."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Row] = []

    def execute(self, statement: str, values: Sequence[Any] | None = None) -> None:
        """Run a statement."""
        self._rows = self._connection.execute(statement, values or ())

    def fetchall(self) -> list[Row]:
        """Return the rows."""
        return self._rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


def _refused() -> pymysql.OperationalError:
    """As pymysql.connect() raises it where no process listens on the socket."""
    error = pymysql.OperationalError(2003, "Can't connect to MySQL server")
    # As PyMySQL does, whose types leave it out.
    error.original_exception = ConnectionRefusedError(111, "Connection refused")  # type: ignore[attr-defined]
    return error
