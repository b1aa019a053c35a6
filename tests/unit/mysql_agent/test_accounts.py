"""Which accounts there are and what they may do; mysqld is a stub that answers what it holds and records statements."""

from pathlib import Path
from typing import Any, cast

import pytest

from efishery_mysql_agent import accounts
from efishery_mysql_agent.accounts import REPLICATION, ROW_PRIVILEGES, Accounts, Secrets, privilege_statements
from efishery_mysql_agent.mysql import Mysql

# Of GRANT ALL PRIVILEGES on a database (MySQL 9.7).
ALL = ROW_PRIVILEGES | {
    *("ALTER", "ALTER ROUTINE", "CREATE", "CREATE ROUTINE", "CREATE TEMPORARY TABLES", "CREATE VIEW", "DROP"),
    *("EVENT", "EXECUTE", "INDEX", "LOCK TABLES", "REFERENCES", "SHOW VIEW", "TRIGGER"),
}


class Server:
    """A mysqld with these accounts and privileges."""

    def __init__(self, users: set[str], privileges: dict[str, frozenset[str]]) -> None:
        self.changes: list[tuple[str, tuple[Any, ...]]] = []
        self._users, self._privileges = users, privileges

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        if statement == accounts.COUNT_CREATED:
            return [{"created": 1 + len(self._users & set(values[1]))}]
        if statement == accounts.PRIVILEGES:
            user = values[0].removeprefix("'").removesuffix("'@'%'")
            return [{"privilege": each} for each in self._privileges.get(user, frozenset())]
        self.changes.append((statement, values))
        return []

    def of(self, word: str) -> list[tuple[str, str]]:
        """Return the user and the statement of each change that begins with the word."""
        return [(values[0], statement) for statement, values in self.changes if statement.startswith(word)]


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    for key in ("root-password", "password", "replication-password", "migration-password"):
        (tmp_path / key).write_text(f"{key}\n")
    return Secrets(tmp_path)


def test_a_password_that_is_no_text_is_named_and_not_shown(secrets: Secrets) -> None:
    (secrets.folder / "password").write_bytes(b"secret \xff")
    with pytest.raises(OSError, match="password: not UTF-8") as raised:
        secrets.all()
    assert "secret" not in f"{raised.value!r} {raised.value.__cause__!r}"


@pytest.fixture(autouse=True)
def every_password_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Accounts, "_is_current", lambda *_: True)


def ensure(secrets: Secrets, server: Server, migration_user: str = "owner") -> None:
    Accounts("shop", "app", secrets, Path("ca.crt"), migration_user).ensure(cast(Mysql, server))


def test_a_new_group_gets_the_applications_account_last(secrets: Secrets) -> None:
    """Once the application can log in, so can the migrations."""
    server = Server(set(), {})
    ensure(secrets, server)
    assert [user for user, _ in server.of("CREATE USER")] == [REPLICATION, "owner", "app"]
    assert [values[2] for statement, values in server.changes if statement.startswith("CREATE USER")] == [
        "replication-password",
        "migration-password",
        "password",
    ]
    granted = dict(server.of("GRANT"))
    assert granted["owner"] == "GRANT ALL PRIVILEGES ON `shop`.* TO %s@%s"
    assert ("app", "GRANT DELETE, INSERT, SELECT, UPDATE ON `shop`.* TO %s@%s") in server.of("GRANT")
    assert not server.of("REVOKE")


def test_an_upgrade_makes_the_account_and_then_takes_the_tables_from_the_application(secrets: Secrets) -> None:
    server = Server({REPLICATION, "app"}, {"app": ALL})
    ensure(secrets, server)
    order = [(values[0], statement.split(maxsplit=1)[0]) for statement, values in server.changes if values]
    assert order.index(("owner", "GRANT")) < order.index(("app", "GRANT")) < order.index(("app", "REVOKE"))
    ((user, revoked),) = server.of("REVOKE")
    assert user == "app"
    assert not ROW_PRIVILEGES & set(revoked.removeprefix("REVOKE ").partition(" ON ")[0].split(", "))


def test_nothing_is_written_where_all_is_as_it_should_be(secrets: Secrets) -> None:
    """Each statement would be a transaction of the group."""
    server = Server({REPLICATION, "app", "owner"}, {"app": ROW_PRIVILEGES, "owner": ALL})
    ensure(secrets, server)
    assert not server.changes


@pytest.mark.parametrize("granted", [ALL, ROW_PRIVILEGES])
def test_without_an_account_for_migrations_the_application_has_all_privileges(
    secrets: Secrets, granted: frozenset[str]
) -> None:
    server = Server({REPLICATION, "app"}, {"app": granted})
    ensure(secrets, server, migration_user="")
    grants = [] if granted == ALL else [("app", "GRANT ALL PRIVILEGES ON `shop`.* TO %s@%s")]
    assert [(values[0], statement) for statement, values in server.changes] == grants


def test_helm_test_may_make_its_table() -> None:
    statements = privilege_statements("shop", ALL, only_rows=True)
    assert "GRANT CREATE, DROP ON `shop`.`helm_test` TO %s@%s" in statements
    connection = (Path(__file__).parents[3] / "charts/mysql/templates/tests/connection.yaml").read_text()
    assert "CREATE TABLE IF NOT EXISTS helm_test " in connection


def test_without_the_password_of_the_migrations_nothing_changes_until_it_is_there(secrets: Secrets) -> None:
    """After an upgrade without hooks, which would have created it."""
    (secrets.folder / "migration-password").unlink()
    server = Server({REPLICATION, "app"}, {"app": ALL})
    ensure(secrets, server)
    assert not server.changes
