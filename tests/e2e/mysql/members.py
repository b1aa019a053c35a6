"""Queries to single members of the group through their Unix sockets, so that no network or Service is involved."""

import contextlib
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pymysql

from tests.e2e.mysql import node

# Not /var/run: that is an absolute symbolic link, which would resolve to the node's own folder.
SOCKET = "/proc/{pid}/root/run/mysqld/mysqld.sock"
DATABASE = "efishery"
TABLES = {
    "fault_test_writes": "workload VARCHAR(16), n BIGINT, member VARCHAR(64),"
    " written_at TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6), PRIMARY KEY (workload, n)",
    "fault_test_probes": "member VARCHAR(64) PRIMARY KEY, at DOUBLE",
}
# The prefix of all phones that the tests register: no operator has it.
API_PHONES = "+6299"

Row = tuple[Any, ...]
Connection = Any  # a class with a parameter for type checkers, and without one when it runs


class MemberUnavailable(Exception):
    """A member did not answer a query, or answered with an error."""


class ContainerNotRunning(MemberUnavailable):
    """The container of a member does not run."""


class Member:
    """One mysqld. The connection is kept until it fails; not for use by two threads."""

    def __init__(self, namespace: str, pod: str, password: str, timeout: float = 2) -> None:
        """`password` is that of root@localhost; `timeout` (seconds) is that of connecting and of each query."""
        self.pod = pod
        self._namespace = namespace
        self._password = password
        self._timeout = timeout
        self._connection: Connection | None = None

    def pid(self) -> int:
        """Return mysqld's process ID on the node. Raises ContainerNotRunning."""
        shell = node.pid_of(self._namespace, self.pod, "mysql")
        pid = node.child_of(shell) if shell else None
        if pid is None:
            raise ContainerNotRunning(f"{self.pod}: mysqld does not run")
        return pid

    def query(self, statement: str, *values: object) -> list[Row]:
        """Return the rows of one statement. Raises MemberUnavailable; its first argument is MySQL's error number."""
        try:
            self._connection = self._connection or self._connect()
            with self._connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return list(cursor.fetchall())
        except (pymysql.MySQLError, OSError) as error:
            # The connection can be used again after an error of the statement, not after one of the connection.
            if not isinstance(error, pymysql.MySQLError) or error.args[0] in (0, 2006, 2013, 2014):
                self.close()
            raise MemberUnavailable(*error.args) from error

    def close(self) -> None:
        """Close the connection; the next query makes a new one."""
        if self._connection:
            with contextlib.suppress(pymysql.MySQLError, OSError):
                # close() sends COM_QUIT, which blocks where mysqld is stopped.
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
class GroupView:
    """The group as one member sees it: members that are ONLINE, the primary's pod, and its own state."""

    online: int
    primary: str
    own_state: str


def group_view(member: Member) -> GroupView:
    """Query a member's view of the group. Raises MemberUnavailable."""
    rows = member.query(
        "SELECT MEMBER_HOST, MEMBER_STATE, MEMBER_ROLE, MEMBER_ID = @@server_uuid"
        " FROM performance_schema.replication_group_members"
    )
    online = [row for row in rows if row[1] == "ONLINE"]
    primary = next((str(row[0]).partition(".")[0] for row in online if row[2] == "PRIMARY"), "")
    own = next((str(row[1]) for row in rows if row[3]), "OFFLINE")
    return GroupView(len(online), primary, own)


@dataclass(frozen=True)
class Contents:
    """What one member stores of the tests' writes."""

    keys: frozenset[str]
    duplicates: frozenset[str]
    """Phones that more than one user has."""
    times: dict[str, list[float]]
    """The timestamps of the rows of each workload: epoch seconds by the clock of the member that was primary."""


def contents(member: Member) -> Contents:
    """Read the rows and users that the tests wrote. Raises MemberUnavailable."""
    rows = member.query("SELECT workload, n, UNIX_TIMESTAMP(written_at) FROM efishery.fault_test_writes")
    phones = Counter(registered_phones(member))
    times: dict[str, list[float]] = {}
    for workload, _, written in rows:
        times.setdefault(workload, []).append(float(written))
    keys = frozenset([f"{workload}/{n}" for workload, n, _ in rows] + list(phones))
    return Contents(keys, frozenset(phone for phone, users in phones.items() if users > 1), times)


def registered_phones(member: Member) -> list[str]:
    """Read the phone of each user that the tests registered. Raises MemberUnavailable."""
    rows = member.query("SELECT phone FROM efishery.users WHERE phone LIKE %s", API_PHONES + "%")
    return [str(phone) for (phone,) in rows]


def checksums(member: Member) -> tuple[Row, ...]:
    """Return the GTID set and the checksum of every table of the database. Raises MemberUnavailable."""
    tables = member.query(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1", DATABASE
    )
    names = ", ".join(f"`{DATABASE}`.`{name}`" for (name,) in tables)
    (gtids,) = member.query("SELECT @@GLOBAL.gtid_executed")
    return (gtids, *member.query(f"CHECKSUM TABLE {names}"))


def become_consistent(members: list[Member], seconds: float = 60) -> bool:
    """Wait until all members have the same GTID set and checksums; tell whether they have within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(MemberUnavailable):
            if len({checksums(member) for member in members}) == 1:
                return True
        time.sleep(1)
    return False
