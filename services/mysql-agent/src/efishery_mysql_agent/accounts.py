"""The accounts of the group. They are created on the primary and replicate like any other data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pymysql
import structlog

from efishery_mysql_agent.mysql import AGENT, Mysql, is_access_denied

log = structlog.get_logger(__name__)

REPLICATION = "mysql_replication"
MIGRATION_KEY = "migration-password"
# auth_socket: any process with mysqld's uid in the same pod. There is no password to rotate.
AGENT_STATEMENTS = (
    "SET SESSION sql_log_bin = 0",
    "SET GLOBAL super_read_only = 0",
    f"CREATE USER IF NOT EXISTS '{AGENT}'@'localhost' IDENTIFIED WITH auth_socket AS 'mysql'",
    f"GRANT ALL PRIVILEGES ON *.* TO '{AGENT}'@'localhost' WITH GRANT OPTION",
    "SET GLOBAL super_read_only = 1",
)

CREATE = "CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s REQUIRE SSL"
REPLICATION_GRANT = "GRANT REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM ON *.* TO %s@%s"

# What an application needs for its rows, where the account of the migrations changes the tables.
ROW_PRIVILEGES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
TEST_TABLE = "helm_test"  # the one table that `helm test` makes and drops, by the application's account

COUNT_CREATED = """
SELECT (SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = %s)
  + (SELECT COUNT(*) FROM mysql.user WHERE host = '%%' AND user IN %s) AS created
"""
PRIVILEGES = """
SELECT privilege_type AS privilege FROM information_schema.schema_privileges WHERE grantee = %s AND table_schema = %s
"""


@dataclass(frozen=True)
class Secrets:
    """The passwords, in files that the kubelet updates when the Secret changes."""

    folder: Path

    def read(self, key: str) -> str:
        """Return the password of a key; raises OSError, also for what is no text."""
        content = (self.folder / key).read_bytes()
        try:
            return content.decode().rstrip("\n")
        except UnicodeDecodeError:
            raise OSError(f"{key}: not UTF-8; change the password in the Secret") from None

    def all(self) -> dict[str, str]:
        """Return all passwords by key; raises OSError. That of the migrations is mounted where there is its account."""
        passwords = {key: self.read(key) for key in ("root-password", "password", "replication-password")}
        if (self.folder / MIGRATION_KEY).exists():
            passwords[MIGRATION_KEY] = self.read(MIGRATION_KEY)
        return passwords


def create_agent_account(mysql: Mysql, secrets: Secrets) -> None:
    """Create the agent's account on a member that is in no group yet; raises pymysql.MySQLError.

    Not in the binary log: it would be an errant transaction of this member.
    root has no password in a new data directory, and the Secret's in one of an earlier version.
    """
    try:
        connection = mysql.login("root")
    except pymysql.MySQLError as error:
        if not is_access_denied(error):
            raise
        connection = mysql.login("root", secrets.read("root-password"))
    with connection, connection.cursor() as cursor:
        for statement in AGENT_STATEMENTS:
            cursor.execute(statement)
    log.info("agent_account_created")


@dataclass(frozen=True)
class Accounts:
    """The accounts with a password, as the settings and the Secret define them.

    With a `migration_user`, that account has all privileges on the database, and `user` those for its rows.
    """

    database: str
    user: str
    secrets: Secrets
    ca_file: Path
    migration_user: str = ""

    def ensure(self, mysql: Mysql) -> None:
        """Create what is missing and set the Secret's passwords; needs a writable member.

        Raises pymysql.MySQLError, and OSError where the Secret cannot be read.
        """
        passwords = self.secrets.all()
        # The application's account is the last: once a client can log in, so can the migrations.
        keys = {REPLICATION: "replication-password", self.migration_user: MIGRATION_KEY, self.user: "password"}
        users = {user: passwords[key] for user, key in keys.items() if user and key in passwords}
        if mysql.rows(COUNT_CREATED, (self.database, tuple(users)))[0]["created"] <= len(users):
            for statement, values in creation_statements(self.database, users):
                mysql.rows(statement, values)
        if self.migration_user in ("", *users):
            self._ensure_privileges(mysql)
        for user, password in users.items():
            if not self._is_current(user, password):
                mysql.rows("ALTER USER %s@%s IDENTIFIED BY %s RETAIN CURRENT PASSWORD", (user, "%", password))
                log.info("password_changed", user=user)
        if not self._is_current("root", passwords["root-password"], mysql):
            mysql.rows("ALTER USER 'root'@'localhost' IDENTIFIED BY %s", (passwords["root-password"],))

    def _ensure_privileges(self, mysql: Mysql) -> None:
        """Let the accounts do what the settings say, also after these have changed."""
        for user, only_rows in ((self.migration_user, False), (self.user, bool(self.migration_user))):
            if not user:
                continue
            rows = mysql.rows(PRIVILEGES, (f"'{user}'@'%'", self.database))
            granted = frozenset(str(row["privilege"]) for row in rows)
            statements = privilege_statements(self.database, granted, only_rows=only_rows)
            for statement in statements:
                mysql.rows(statement, (user, "%"))
            if statements:
                log.info("privileges_changed", user=user, only_rows=only_rows)

    def ensure_replication(self, mysql: Mysql) -> None:
        """On a member outside the group: let its replication account take the Secret's password.

        A member that starts Group Replication first connects to itself by that account, so the password must be
        right before anything can replicate. Not in the binary log: it would be an errant transaction.
        """
        password = self.secrets.read("replication-password")
        if self._is_current(REPLICATION, password):
            return
        mysql.run("SET SESSION sql_log_bin = 0", "SET GLOBAL super_read_only = 0")
        try:
            mysql.rows(CREATE, (REPLICATION, "%", password))
            mysql.rows("ALTER USER %s@%s IDENTIFIED BY %s", (REPLICATION, "%", password))
            mysql.rows(REPLICATION_GRANT, (REPLICATION, "%"))
        finally:
            mysql.run("SET GLOBAL super_read_only = 1")

    def _is_current(self, user: str, password: str, over_socket: Mysql | None = None) -> bool:
        """Whether the account accepts the password, over the socket or, as the other accounts require, over TLS."""
        try:
            if over_socket:
                over_socket.login(user, password).close()
            else:
                tls = {"ca": str(self.ca_file), "check_hostname": False}
                host = "127.0.0.1"
                pymysql.connect(
                    host=host, user=user, password=password, ssl=tls, connect_timeout=2, read_timeout=5
                ).close()
        except pymysql.MySQLError as error:
            if not is_access_denied(error):
                raise
            return False
        return True


def creation_statements(database: str, users: dict[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return statements that make the database and the accounts, with these passwords, where they are missing.

    The replication account's privileges are those of the MySQL manual, "User Credentials For Distributed Recovery",
    and CONNECTION_ADMIN, by which it may connect to a member in offline mode.
    """
    return [
        (f"CREATE DATABASE IF NOT EXISTS `{database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci", ()),
        *((CREATE, (user, "%", password)) for user, password in users.items()),
        (REPLICATION_GRANT, (REPLICATION, "%")),
    ]


def privilege_statements(database: str, granted: frozenset[str], *, only_rows: bool) -> list[str]:
    """Return what changes the granted privileges on the database into those for rows, or into all of them.

    What is needed is granted before the rest is revoked, so that clients never lack it.
    """
    if not only_rows:
        return [] if "DROP" in granted else [f"GRANT ALL PRIVILEGES ON `{database}`.* TO %s@%s"]
    if granted == ROW_PRIVILEGES:
        return []
    grants = [
        f"GRANT {', '.join(sorted(ROW_PRIVILEGES))} ON `{database}`.* TO %s@%s",
        f"GRANT CREATE, DROP ON `{database}`.`{TEST_TABLE}` TO %s@%s",
    ]
    surplus = ", ".join(sorted(granted - ROW_PRIVILEGES))
    return [*grants, f"REVOKE {surplus} ON `{database}`.* FROM %s@%s"] if surplus else grants
