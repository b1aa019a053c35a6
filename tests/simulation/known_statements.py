"""The statements that the agent sends, and what the model does for each.

One that is not here ends the simulation: add it to KNOWN.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pymysql

from tests.simulation import gtids, statements

if TYPE_CHECKING:
    from tests.simulation.mysqld import Mysqld
    from tests.simulation.world import World

Row = dict[str, Any]
Values = Sequence[Any]
Handler = Callable[["World", "Mysqld", Values], list[Row] | None]
CERTIFICATE_END = "Nov  3 20:00:00 2036 GMT"


class UnknownStatement(BaseException):
    """The agent sent what the model does not know; not an Exception, so that no handler of the agent's catches it."""


def run(world: World, server: Mysqld, statement: str, values: Values) -> list[Row]:
    """Run a statement. The handler gets what the pattern's groups matched, then the values."""
    handler = _CACHE.get(statement)
    if handler is None:
        found = next(
            ((pattern.search(statement), handle) for pattern, handle in KNOWN if pattern.search(statement)), None
        )
        if found is None:
            raise UnknownStatement(statement)
        match, handle = found
        groups = match.groups() if match else ()
        handler = _CACHE[statement] = lambda world, server, values: handle(world, server, (*groups, *values))
    return handler(world, server, values) or []


def _variables(_world: World, server: Mysqld, _values: Values) -> list[Row]:
    """The variables under the names that the agent gives them."""
    executed = server.volume.executed  # includes what is received: the model does not tell them apart
    return [
        {
            "uuid": server.volume.uuid,
            "read_only": server.globals["super_read_only"],
            "offline": server.globals["offline_mode"],
            "executed": executed,
            "received": executed,
            "gtids": executed,
        }
    ]


def _group_name(_world: World, server: Mysqld, _values: Values) -> list[Row]:
    return [{"name": server.globals["group_replication_group_name"]}]


def _members(world: World, server: Mysqld, _values: Values) -> list[Row]:
    seat = server.seat
    if not seat:
        return [_member(server, "", "OFFLINE", "", "")]
    if not seat.active:
        return [_member(server, world.host(server.pod), "ERROR", "", "")]
    rows = []
    for other in seat.view.seats:
        state = "UNREACHABLE" if seat.suspects(other) else "ONLINE" if other.online else "RECOVERING"
        role = "PRIMARY" if other is seat.view.primary else "SECONDARY"
        rows.append(_member(other.server, world.host(other.server.pod), state, role, seat.view.id))
    return rows


def _member(server: Mysqld, host: str, state: str, role: str, view_id: str) -> Row:
    row = {"id": server.volume.uuid, "host": host, "state": state, "role": role, "view_id": view_id}
    return {**row, "queue": 0, "behind": 0}


def _member_id(world: World, server: Mysqld, values: Values) -> list[Row]:
    rows = _members(world, server, ())
    return [{"id": row["id"]} for row in rows if row["host"] == values[0]]


def _set_global(_world: World, server: Mysqld, values: Values) -> None:
    name, value = values[0], values[-1]
    if name not in server.globals:
        raise UnknownStatement(f"SET GLOBAL {name}")
    server.globals[name] = int(value) if str(value).isdigit() else value


def _create(world: World, server: Mysqld, values: Values) -> None:
    _account(world, server, values[0], values[-1], only_missing=True)


def _create_agent(world: World, server: Mysqld, _values: Values) -> None:
    server.volume.users.setdefault("mysql_agent", "")  # with sql_log_bin = 0


def _alter(world: World, server: Mysqld, values: Values) -> None:
    _account(world, server, values[0], values[-1], only_missing=False)


def _account(world: World, server: Mysqld, user: str, password: str, *, only_missing: bool) -> None:
    """Through the group if the member is in one; outside of it the agent sets sql_log_bin = 0."""
    if only_missing and user in server.volume.users:
        return
    if server.globals["super_read_only"]:
        raise pymysql.OperationalError(1290, "The MySQL server is running with the --super-read-only option")
    seat = server.seat
    if not seat or not seat.active:
        server.volume.users[user] = password
    elif not seat.group.commit(seat, (user, password)):
        world.kernel.sleep(world.kernel.between(1, 5))
        raise pymysql.OperationalError(3101, "Plugin instructed the server to rollback the current transaction.")


def _count_created(_world: World, server: Mysqld, values: Values) -> list[Row]:
    """The database, and those of the accounts in `values` that exist."""
    return [{"created": 1 + sum(user in server.volume.users for user in values[1])}]


def _privileges(_world: World, _server: Mysqld, _values: Values) -> list[Row]:
    return [{"privilege": "DROP"}]  # all of them: nobody changes the settings


def _in_mysqld(statement: Callable[..., None]) -> Handler:
    """Run a long statement in mysqld: it goes on if the agent dies, and ends with mysqld."""

    def handle(world: World, server: Mysqld, values: Values) -> None:
        result = server.process.spawn(statement, world, server, *values)
        while not result.done() and server.process.alive:
            world.kernel.sleep(0.1)
        if not server.process.alive and not result.done():
            raise pymysql.OperationalError(2013, "Lost connection to MySQL server during query")
        result.result()

    return handle


def _start(world: World, server: Mysqld, _user: str, _password: str) -> None:
    statements.start(world, server)


def _clone(world: World, server: Mysqld, _user: str, host: str, _password: str) -> None:
    statements.clone(world, server, host)


def _set_as_primary(world: World, server: Mysqld, uuid: str, _seconds: int) -> None:
    statements.set_as_primary(world, server, uuid)


def _gtid_subtract(_world: World, _server: Mysqld, values: Values) -> list[Row]:
    return [{"gtids": gtids.write(gtids.parse(values[0]) - gtids.parse(values[1]))}]


def _gtid_subset(_world: World, _server: Mysqld, values: Values) -> list[Row]:
    return [{"is_subset": int(gtids.parse(values[0]) <= gtids.parse(values[1]))}]


def _engine_left_behind(_world: World, server: Mysqld, _values: Values) -> list[Row]:
    return [{"1": 1}] if server.left_without_majority else []


def _nothing(_world: World, _server: Mysqld, _values: Values) -> None: ...


def _binlogs(_world: World, _server: Mysqld, _values: Values) -> list[Row]:
    return [{"Log_name": "binlog.000001", "File_size": 1}]  # never so large that any is purged


def _certificate(_world: World, _server: Mysqld, _values: Values) -> list[Row]:
    return [{"not_after": CERTIFICATE_END}]


KNOWN: list[tuple[re.Pattern[str], Handler]] = [
    (re.compile(pattern, re.DOTALL), handler)
    for pattern, handler in (
        (r"@@super_read_only AS read_only", _variables),
        (r"^SELECT GTID_SUBTRACT\(%s, %s\)", _gtid_subtract),
        (r"^SELECT GTID_SUBSET\(%s, %s\)", _gtid_subset),
        (r"member_role AS role", _members),
        (r"group_replication_group_name AS name", _group_name),
        (r"WHERE member_host = ", _member_id),
        (r"^SELECT group_replication_set_as_primary", _in_mysqld(_set_as_primary)),
        (r"^START GROUP_REPLICATION", _in_mysqld(_start)),
        (r"^STOP GROUP_REPLICATION", _in_mysqld(statements.stop)),
        (r"^RESTART$", _in_mysqld(statements.restart)),
        (r"^CLONE INSTANCE", _in_mysqld(_clone)),
        (r"^SET GLOBAL (\w+) = ([01])$", _set_global),
        (r"^SET GLOBAL (\w+) = %s$", _set_global),
        (r"^CREATE USER IF NOT EXISTS 'mysql_agent'", _create_agent),
        (r"^CREATE USER IF NOT EXISTS %s@%s", _create),
        (r"^ALTER USER %s@%s", _alter),
        (r"^ALTER USER '(root)'@'localhost'", _alter),
        (r" AS created", _count_created),
        (r"privilege_type AS privilege", _privileges),
        (r"tls_channel_status", _certificate),
        (r"^SHOW BINARY LOGS", _binlogs),
        (r"FROM performance_schema.error_log", _engine_left_behind),
        (
            r"^(SELECT 1$|SET SESSION|GRANT|CREATE DATABASE|KILL|SELECT id FROM performance_schema.processlist"
            r"|ALTER INSTANCE RELOAD TLS$)",
            _nothing,
        ),
    )
]
_CACHE: dict[str, Handler] = {}
