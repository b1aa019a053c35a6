"""The members of the group, asked one by one, past network and Kubernetes: each through its own socket."""

import contextlib
import time
from dataclasses import dataclass
from typing import Any

import pymysql

from tests.e2e.mysql import node

# Not /var/run: that is an absolute link, which would lead to the node's own.
SOCKET = "/proc/{pid}/root/run/mysqld/mysqld.sock"
DATABASE = "efishery"
TABLES = {
    "ledger": "run VARCHAR(16), n BIGINT, member VARCHAR(64), written_at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6),"
    " PRIMARY KEY (run, n)",
    "ledger_probe": "member VARCHAR(64) PRIMARY KEY, at DOUBLE",
}
API_PHONES = "+6299"  # no country's: phones of users that the tests register

Row = tuple[Any, ...]
Connection = Any  # a class with a parameter for type checkers, and without one when it runs


class Silent(Exception):
    """A member does not answer: it is away, stopped, or refuses."""


class Away(Silent):
    """Its container does not run."""


class Member:
    """One mysqld. Its connection is kept until it breaks; not for use by two threads."""

    def __init__(self, namespace: str, pod: str, password: str, timeout: float = 2) -> None:
        """`timeout` in seconds bounds each wait for an answer; `password` is that of root@localhost."""
        self.pod = pod
        self._namespace = namespace
        self._password = password
        self._timeout = timeout
        self._connection: Connection | None = None

    def pid(self) -> int:
        """Answer mysqld's process on the node. Raises Away when its container does not run."""
        pid = node.pid_of(self._namespace, self.pod, "mysql")
        if pid is None:
            raise Away(f"{self.pod} has no container that runs")
        return pid

    def query(self, statement: str, *values: object) -> list[Row]:
        """Answer the rows of one statement. Raises Silent, also for MySQL's own errors, whose number comes first."""
        try:
            self._connection = self._connection or self._connect()
            with self._connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return list(cursor.fetchall())
        except (pymysql.MySQLError, OSError) as error:
            # A refused statement leaves the connection whole; anything else ends it.
            if not isinstance(error, pymysql.MySQLError) or error.args[0] in (0, 2006, 2013, 2014):
                self.close()
            raise Silent(*error.args) from error

    def close(self) -> None:
        """Forget the connection; the next query makes a new one."""
        if self._connection:
            with contextlib.suppress(pymysql.MySQLError, OSError):
                # close() would say good-bye, for which a stopped server never has time.
                self._connection._force_close()
        self._connection = None

    def _connect(self) -> Connection:
        return pymysql.connect(
            unix_socket=SOCKET.format(pid=self.pid()),
            user="root",
            password=self._password,
            autocommit=True,
            connect_timeout=max(1, int(self._timeout)),
            read_timeout=self._timeout,
            write_timeout=self._timeout,
        )


@dataclass(frozen=True)
class View:
    """What one member says of the group."""

    online: int
    primary: str
    own_state: str


def view(member: Member) -> View:
    """Ask a member whom it sees. Raises Silent."""
    rows = member.query(
        "SELECT MEMBER_HOST, MEMBER_STATE, MEMBER_ROLE, MEMBER_ID = @@server_uuid"
        " FROM performance_schema.replication_group_members"
    )
    online = [row for row in rows if row[1] == "ONLINE"]
    primary = next((str(row[0]).partition(".")[0] for row in online if row[2] == "PRIMARY"), "")
    own = next((str(row[1]) for row in rows if row[3]), "OFFLINE")
    return View(len(online), primary, own)


@dataclass(frozen=True)
class Contents:
    """What one member has: the keys of all that the ledgers wrote, the times of rows, and what sums it up."""

    keys: frozenset[str]
    times: dict[str, list[float]]
    """Of each run, when its rows were written: epoch seconds by the clock of the member that was primary."""
    summary: tuple[Row, ...]


def contents(member: Member) -> Contents:
    """Read a member's ledger and registered users, its GTID set and its tables' checksums. Raises Silent."""
    rows = member.query("SELECT run, n, UNIX_TIMESTAMP(written_at) FROM efishery.ledger ORDER BY written_at")
    phones = member.query("SELECT phone FROM efishery.users WHERE phone LIKE %s", API_PHONES + "%")
    times: dict[str, list[float]] = {}
    for run, _, written in rows:
        times.setdefault(run, []).append(float(written))
    keys = frozenset([f"{run}/{n}" for run, n, _ in rows] + [phone for (phone,) in phones])
    return Contents(keys, times, summary(member))


def summary(member: Member) -> tuple[Row, ...]:
    """Answer the GTID set and the checksum of every table of the database. Raises Silent."""
    tables = member.query(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1", DATABASE
    )
    names = ", ".join(f"`{DATABASE}`.`{name}`" for (name,) in tables)
    (gtids,) = member.query("SELECT @@GLOBAL.gtid_executed")
    return (gtids, *member.query(f"CHECKSUM TABLE {names}"))


def settled(members: list[Member], seconds: float = 60) -> bool:
    """Wait until all members have the same GTID set and checksums; tell whether they came to that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(Silent):
            if len({summary(member) for member in members}) == 1:
                return True
        time.sleep(1)
    return False
