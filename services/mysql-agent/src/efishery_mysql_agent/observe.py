"""Read the state of the local member (MySQL manual, "Monitoring Group Replication")."""

from __future__ import annotations

import pymysql
import structlog

from efishery_mysql_agent.model import Member, Role, State, Status
from efishery_mysql_agent.mysql import Mysql, Row, is_access_denied, is_refused

log = structlog.get_logger(__name__)

SERVER = """
SELECT @@server_uuid AS uuid, @@super_read_only AS read_only, @@offline_mode AS offline,
  GTID_SUBTRACT(CONCAT_WS(',', @@gtid_executed,
    (SELECT received_transaction_set FROM performance_schema.replication_connection_status
     WHERE channel_name = 'group_replication_applier')), '') AS gtids
"""
MEMBERS = """
SELECT m.member_id AS id, member_host AS host, member_state AS state, member_role AS role, s.view_id AS view_id,
  s.count_transactions_in_queue AS queue, s.count_transactions_remote_in_applier_queue AS behind
FROM performance_schema.replication_group_members m
LEFT JOIN performance_schema.replication_group_member_stats s USING (member_id)
"""
ROLES = {"PRIMARY": Role.PRIMARY, "SECONDARY": Role.REPLICA}


def observe(mysql: Mysql, pod: str) -> Status | None:
    """Return the status without the stored group and view: DOWN where mysqld refuses, None without an answer."""
    try:
        members = mysql.rows(MEMBERS)  # first: what has left the queue by now is among the GTIDs
        return _status(pod, mysql.rows(SERVER)[0], members)
    except pymysql.MySQLError as error:
        if is_refused(error) or is_access_denied(error):
            return Status(pod)
        log.warning("observation_failed", reason=str(error))
        return None


def _status(pod: str, server: Row, rows: list[Row]) -> Status:
    own = next((row for row in rows if row["id"] == server["uuid"]), {})
    return Status(
        pod=pod,
        state=State(own.get("state") or State.OFFLINE),
        role=ROLES.get(own.get("role", "")),
        members=tuple(_member(row) for row in rows if row["host"]),
        view_id=own.get("view_id") or "",
        gtids=str(server["gtids"]).replace("\n", ""),
        writable=not server["read_only"] and not server["offline"],
        offline=bool(server["offline"]),
        lag=int(own.get("behind") or 0),
        queue=int(own.get("queue") or 0),
    )


def _member(row: Row) -> Member:
    return Member(str(row["host"]).partition(".")[0], State(row["state"]), ROLES.get(row["role"]))
