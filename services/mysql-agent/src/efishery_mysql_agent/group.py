"""Statements that change member or group (MySQL manual, "Group Replication Operations" and "The Clone Plugin")."""

from __future__ import annotations

from collections.abc import Iterable

import pymysql
import structlog

from efishery_mysql_agent.accounts import REPLICATION
from efishery_mysql_agent.mysql import AGENT, Mysql, is_connection_lost

log = structlog.get_logger(__name__)

PORT = 3306
SWITCH_SECONDS = 10  # that running transactions get when the primary changes, before they are rolled back
# Accounts of the server and of the group; connections of all others are clients'.
SYSTEM_USERS = ("system user", "event_scheduler", "mysql.session", "mysql.infoschema", AGENT, REPLICATION)
# The table has the latest messages since the process began, as the log is no file: a ring buffer in memory. This one
# is of a member that has left without a majority, at level ERROR, which log_error_verbosity cannot hide.
ENGINE_LEFT_BEHIND = """
SELECT 1 FROM performance_schema.error_log WHERE error_code = 'MY-011735'
  AND data LIKE '%Timeout while waiting for the group communication engine to exit%' LIMIT 1
"""


class EngineLeftBehind(Exception):
    """Group Replication has left its communication engine in this mysqld: started beside it, it may hang (ADR 92)."""


def start_alone(mysql: Mysql, group: str, password: str) -> None:
    """Start the group with this member, which is in none, as the only one."""
    mysql.set_global(group_replication_group_name=group, group_replication_group_seeds="")
    mysql.set_global(group_replication_bootstrap_group=1)
    try:
        _start(mysql, password)
    finally:
        mysql.set_global(group_replication_bootstrap_group=0)


def join(mysql: Mysql, group: str, hosts: Iterable[str], password: str) -> None:
    """Start Group Replication of this member, which is in no group, towards members at these hosts."""
    seeds = ",".join(f"{host}:{PORT}" for host in hosts)
    mysql.set_global(group_replication_group_name=group, group_replication_group_seeds=seeds)
    _start(mysql, password)


def stop(mysql: Mysql) -> None:
    """Leave the group, in whatever state the member is."""
    mysql.run("STOP GROUP_REPLICATION")
    # An agent that died in start_alone() left it on; the next start would make a second group.
    mysql.set_global(group_replication_bootstrap_group=0)


def stop_before_start(mysql: Mysql) -> None:
    """Leave the group, and check that this mysqld can enter another; raises EngineLeftBehind."""
    stop(mysql)  # which waits for the engine, if need be for 30 s
    if mysql.rows(ENGINE_LEFT_BEHIND):
        raise EngineLeftBehind("the engine of the group that this member has left has not ended")


def restart(mysql: Mysql) -> None:
    """Leave the group if that is possible, and restart mysqld (files/mysqld.sh of the chart)."""
    try:
        stop(mysql)
    except pymysql.MySQLError as error:  # it waits for what hangs
        log.warning("not_left", reason=str(error))
    mysql.run("RESTART")


def clone(mysql: Mysql, host: str, password: str) -> None:
    """Replace all data by the donor's. mysqld then restarts."""
    stop(mysql)
    mysql.set_global(clone_valid_donor_list=f"{host}:{PORT}")
    # A clone first drops the data, which super_read_only forbids. Offline mode keeps clients out meanwhile.
    mysql.set_global(offline_mode=1, super_read_only=0)
    statement = f"CLONE INSTANCE FROM %s@%s:{PORT} IDENTIFIED BY %s REQUIRE SSL"
    try:
        mysql.rows(statement, (REPLICATION, host, password))
    except pymysql.MySQLError as error:
        if is_connection_lost(error):
            return
        mysql.set_global(super_read_only=1)
        raise


def hand_over(mysql: Mysql, host: str) -> None:
    """Make the member at `host` the primary, unless it has just left; returns when it is."""
    members = mysql.rows(
        "SELECT member_id AS id FROM performance_schema.replication_group_members WHERE member_host = %s", (host,)
    )
    for member in members:
        mysql.rows("SELECT group_replication_set_as_primary(%s, %s)", (member["id"], SWITCH_SECONDS))


def end_connections(mysql: Mysql) -> int:
    """End the connections of all clients; returns their number."""
    system = ", ".join(["%s"] * len(SYSTEM_USERS))
    clients = mysql.rows(
        f"SELECT id FROM performance_schema.processlist WHERE user NOT IN ({system})",  # noqa: S608 -- only %s
        SYSTEM_USERS,
    )
    for client in clients:
        try:
            mysql.run(f"KILL CONNECTION {int(client['id'])}")
        except pymysql.MySQLError:  # it ended by itself
            continue
    return len(clients)


def _start(mysql: Mysql, password: str) -> None:
    # Given in the statement, the password is not stored in the replication metadata tables.
    mysql.rows("START GROUP_REPLICATION USER = %s, PASSWORD = %s", (REPLICATION, password))
