"""A migration suits the version that still serves, and one that was cut short can be repeated."""

import importlib
import io
import re
from dataclasses import dataclass, field
from unittest.mock import Mock

import pymysql
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import OperationalError

from efishery_auth import commands
from efishery_auth.commands.migrate import alembic_config, lock_name, take_lock
from efishery_auth.engines import db
from efishery_auth.settings import DatabaseSettings
from efishery_auth.state import current_users

migrate = importlib.import_module("efishery_auth.commands.migrate")  # the package has the command of that name

# What the code of the former version does not notice: new tables, new indexes, and new columns that it may leave out.
EXPANDS = re.compile(
    r"CREATE TABLE IF NOT EXISTS |CREATE (UNIQUE )?INDEX |"
    r"ALTER TABLE \w+ ADD COLUMN (?!.*\bNOT NULL\b(?!.*\bDEFAULT\b))"
)


def scripts() -> list[Script]:
    return list(ScriptDirectory.from_config(alembic_config(None)).walk_revisions())


def statements(script: Script) -> list[str]:
    """Answer the SQL of an upgrade, for MySQL."""
    written = io.StringIO()
    options = {"as_sql": True, "output_buffer": written}
    with Operations.context(MigrationContext.configure(dialect_name="mysql", opts=options)):
        script.module.upgrade()
    return [" ".join(statement.split()) for statement in written.getvalue().split(";") if statement.strip()]


@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.revision)
def test_a_migration_only_adds(script: Script) -> None:
    for statement in statements(script):
        assert EXPANDS.match(statement), f"{script.revision} is no expansion (see docs/adr/0058): {statement}"


@pytest.mark.parametrize("script", scripts(), ids=lambda script: script.revision)
def test_every_new_table_has_a_primary_key(script: Script) -> None:
    for statement in statements(script):
        assert "CREATE TABLE" not in statement or "PRIMARY KEY" in statement, statement


@pytest.mark.parametrize(
    ("statement", "expands"),
    [
        ("ALTER TABLE users ADD COLUMN disabled_at DATETIME", True),
        ("ALTER TABLE users ADD COLUMN tries INTEGER NOT NULL DEFAULT '0'", True),
        ("ALTER TABLE users ADD COLUMN tries INTEGER NOT NULL", False),
        ("ALTER TABLE users DROP COLUMN name", False),
        ("DROP TABLE users", False),
        ("UPDATE users SET role='admin'", False),
    ],
)
def test_what_an_expansion_is(statement: str, expands: bool) -> None:
    assert bool(EXPANDS.match(statement)) == expands


def test_a_migration_that_was_cut_short_can_be_repeated(app: Flask, commands_app: Flask) -> None:
    # MySQL commits each change of a table by itself, so a crash may leave one that Alembic has not noted.
    with app.app_context():
        current_users().database.primary.write(lambda session: session.execute(text("DELETE FROM alembic_version")))
    runner: FlaskCliRunner = commands_app.test_cli_runner(catch_exceptions=False)
    assert runner.invoke(args=["migrate"]).exit_code == 0
    with app.app_context(), db.engine.connect() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM users")).scalar_one() == 1


@pytest.mark.parametrize("database", ["e", "efishery", "x" * 64, "\u00e9" * 64])
def test_the_name_of_the_lock_is_one_that_mysql_takes(database: str) -> None:
    assert len(lock_name(database)) <= 64
    assert lock_name(database).isascii()


def test_each_database_has_a_lock_of_its_own() -> None:
    assert len({lock_name(name) for name in ("efishery", "Efishery", "x" * 64, "x" * 63 + "y")}) == 4


def test_migrate_asks_mysql_for_that_lock() -> None:
    connection = Mock()  # there is no MySQL here; tests/e2e migrate on one
    connection.dialect.name = "mysql"
    connection.engine.url = make_url("mysql+pymysql://u@h/" + "x" * 64)
    take_lock(connection, 5)
    (statement, values), _ = connection.execute.call_args
    assert "GET_LOCK(:name, :seconds)" in str(statement)
    assert values == {"name": lock_name("x" * 64), "seconds": 5}
    connection.detach.assert_called_once()


def settings_with(migration_user: str) -> DatabaseSettings:
    values = {"database_url": "mysql+pymysql://app@h/e", "database_password": "a", "migration_password": "m"}
    return DatabaseSettings.model_validate({**values, "migration_user": migration_user})


@dataclass
class Server:
    """A server that refuses the login of some users with an error; it records who logged in."""

    refusals: dict[str, int]
    users: list[str] = field(default_factory=list)

    def engine(self, url: URL) -> "Server":
        self.users.append(str(url.username))
        return self

    def connect(self) -> str:
        if code := self.refusals.get(self.users[-1]):
            raise OperationalError("", {}, pymysql.OperationalError(code, "denied"))
        return f"connected as {self.users[-1]}"


def connected(monkeypatch: pytest.MonkeyPatch, user: str, **refusals: int) -> str:
    """Connect as `migrate` does, with that account of the migrations; return who was connected."""
    server = Server(refusals)
    monkeypatch.setattr(migrate, "migration_engine", server.engine)
    with commands.create_app(settings_with(user)).app_context():
        return str(migrate.connect())


def test_migrate_uses_its_own_account(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connected(monkeypatch, "owner") == "connected as owner"
    assert connected(monkeypatch, "") == "connected as app"
    url = settings_with("owner").migration_url
    assert (url.username, url.password, url.host, url.database) == ("owner", "m", "h", "e")


@pytest.mark.parametrize("code", [1044, 1045])
def test_migrate_uses_the_applications_account_until_its_own_exists(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    assert connected(monkeypatch, "owner", owner=code) == "connected as app"


@pytest.mark.parametrize(("user", "refusals"), [("owner", {"owner": 2003}), ("", {"app": 1045})])
def test_migrate_ends_with_another_error(monkeypatch: pytest.MonkeyPatch, user: str, refusals: dict[str, int]) -> None:
    with pytest.raises(OperationalError):
        connected(monkeypatch, user, **refusals)
