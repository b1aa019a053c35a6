"""The local mysqld, over its socket."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymysql
import structlog
from pymysql.constants import CR, ER
from pymysql.cursors import DictCursor

log = structlog.get_logger(__name__)

AGENT = "mysql_agent"
DENIED_WITHOUT_PASSWORD = 1698  # ER_ACCESS_DENIED_NO_PASSWORD_ERROR
Row = dict[str, Any]


class Mysql:
    """Statements to the local mysqld as the agent's account; each raises pymysql.MySQLError.

    One connection, reopened after it was lost. Not thread-safe.
    """

    def __init__(self, socket: Path, timeout_seconds: float) -> None:
        self._socket = str(socket)
        self._timeout = timeout_seconds
        self._connection: pymysql.Connection[DictCursor] | None = None

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Run a statement and return its rows."""
        try:
            with self._connected().cursor() as cursor:
                cursor.execute(statement, values or None)
                return list(cursor.fetchall())
        except pymysql.MySQLError:
            self.close()
            raise

    def run(self, *statements: str) -> None:
        """Run statements one after the other."""
        for statement in statements:
            self.rows(statement)

    def set_global(self, **values: object) -> None:
        """Set global variables."""
        for name, value in values.items():
            self.rows(f"SET GLOBAL {name} = %s", (value,))

    def close(self) -> None:
        """Close the connection; the next statement opens another."""
        if self._connection and self._connection.open:
            # close() does not block on a hanging server: its message fits into the socket's buffer.
            self._connection.close()
        self._connection = None

    def login(self, user: str, password: str = "") -> pymysql.Connection[DictCursor]:
        """Open a connection over the socket."""
        return pymysql.connect(
            unix_socket=self._socket,
            user=user,
            password=password,
            autocommit=True,
            connect_timeout=2,
            read_timeout=self._timeout,
            write_timeout=self._timeout,
            cursorclass=DictCursor,
        )

    def _connected(self) -> pymysql.Connection[DictCursor]:
        if self._connection is None:
            self._connection = self.login(AGENT)
        return self._connection


def is_access_denied(error: pymysql.MySQLError) -> bool:
    """Whether the server answers and refuses the account or the password."""
    return _code(error) in (ER.ACCESS_DENIED_ERROR, ER.HOST_NOT_PRIVILEGED, DENIED_WITHOUT_PASSWORD)


def is_connection_lost(error: pymysql.MySQLError) -> bool:
    """Whether no server answers, or the connection was lost during the statement."""
    return _code(error) in (CR.CR_CONNECTION_ERROR, CR.CR_CONN_HOST_ERROR, CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST)


def is_refused(error: pymysql.MySQLError) -> bool:
    """Whether no process listens on the socket: mysqld does not run, or not yet."""
    return isinstance(getattr(error, "original_exception", None), ConnectionRefusedError | FileNotFoundError)


def _code(error: pymysql.MySQLError) -> int:
    return int(error.args[0]) if error.args and isinstance(error.args[0], int) else 0
