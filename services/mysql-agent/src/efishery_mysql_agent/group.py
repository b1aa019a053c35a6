"""What the agent makes mysqld do (MySQL manual, "Group Replication Operations" and "The Clone Plugin")."""

from __future__ import annotations

from collections.abc import Iterable

import pymysql

from efishery_mysql_agent.accounts import REPLICATION
from efishery_mysql_agent.mysql import AGENT, Mysql, gone

PORT = 3306
SWITCH_SECONDS = 10  # for transactions that run when the primary changes; then they are ended
# Accounts of the server and of the group, whose connections are no client's.
OWN_USERS = ("system user", "event_scheduler", "mysql.session", "mysql.infoschema", AGENT, REPLICATION)


def start_alone(mysql: Mysql, group: str, password: str) -> None:
    """Start the group with this member as the only one."""
    stop(mysql)
    mysql.set_global(group_replication_group_name=group, group_replication_group_seeds="")
    mysql.set_global(group_replication_bootstrap_group=1)
    try:
        _start(mysql, password)
    finally:
        mysql.set_global(group_replication_bootstrap_group=0)


def join(mysql: Mysql, group: str, hosts: Iterable[str], password: str) -> None:
    """Start Group Replication towards members at these hosts."""
    stop(mysql)
    seeds = ",".join(f"{host}:{PORT}" for host in hosts)
    mysql.set_global(group_replication_group_name=group, group_replication_group_seeds=seeds)
    _start(mysql, password)


def stop(mysql: Mysql) -> None:
    """Leave the group, in whatever state the member is."""
    mysql.run("STOP GROUP_REPLICATION")
    # An agent that died in start_alone() left it on, and the next start would make a second group.
    mysql.set_global(group_replication_bootstrap_group=0)


def clone(mysql: Mysql, host: str, password: str) -> None:
    """Replace all data by the donor's. mysqld ends with it: what runs it starts it again."""
    stop(mysql)
    mysql.set_global(clone_valid_donor_list=f"{host}:{PORT}")
    # Cloning begins with dropping what there is, which super_read_only forbids. No client may come in meanwhile.
    mysql.set_global(offline_mode=1, super_read_only=0)
    statement = f"CLONE INSTANCE FROM %s@%s:{PORT} IDENTIFIED BY %s REQUIRE SSL"
    try:
        mysql.rows(statement, (REPLICATION, host, password))
    except pymysql.MySQLError as error:
        if gone(error) or error.args[0] == RESTART_FAILED:
            return
        mysql.set_global(super_read_only=1)
        raise


RESTART_FAILED = 3707  # ER_RESTART_SERVER_FAILED: cloned, and no supervisor to start mysqld again but Kubernetes


def hand_over(mysql: Mysql, host: str) -> None:
    """Make the member at `host` the primary; returns when it is."""
    rows = mysql.rows(
        "SELECT member_id AS id FROM performance_schema.replication_group_members WHERE member_host = %s", (host,)
    )
    mysql.rows("SELECT group_replication_set_as_primary(%s, %s)", (rows[0]["id"], SWITCH_SECONDS))


def end_connections(mysql: Mysql) -> int:
    """End the connections of all clients; returns how many there were."""
    own = ", ".join(["%s"] * len(OWN_USERS))
    clients = mysql.rows(
        f"SELECT id FROM performance_schema.processlist WHERE user NOT IN ({own})",  # noqa: S608 -- only %s
        OWN_USERS,
    )
    for client in clients:
        try:
            mysql.run(f"KILL CONNECTION {int(client['id'])}")
        except pymysql.MySQLError:  # it ended by itself
            continue
    return len(clients)


def _start(mysql: Mysql, password: str) -> None:
    # In the statement, the password stays out of the tables that replication keeps its accounts in.
    mysql.rows("START GROUP_REPLICATION USER = %s, PASSWORD = %s", (REPLICATION, password))
