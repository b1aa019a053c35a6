import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect

from efishery_auth import commands
from efishery_auth.engines import db
from efishery_auth.models import Base
from efishery_auth.settings import AuthSettings, DatabaseSettings
from tests.unit.auth.conftest import ADMIN_PHONE


def run(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=list(words))
    return result.exit_code, result.output


def test_migrate_makes_the_tables_of_the_models(commands_app: Flask) -> None:
    assert run(commands_app, "migrate")[0] == 0
    with commands_app.app_context():
        made = inspect(db.engine)
        for table in Base.metadata.sorted_tables:
            columns = {column["name"]: column["nullable"] for column in made.get_columns(table.name)}
            assert columns == {column.name: column.nullable for column in table.columns}


def test_migrate_can_be_repeated(app: Flask, commands_app: Flask) -> None:
    assert run(commands_app, "migrate")[0] == 0


def test_migrate_gives_up_on_a_database_that_never_answers(settings: AuthSettings) -> None:
    away = DatabaseSettings(database_url="mysql+pymysql://nobody@127.0.0.1:1/none", database_wait_seconds=0)
    code, output = run(commands.create_app(away), "migrate")
    assert code == 1
    assert "took no writes within 0 s" in output


def test_create_admin_can_be_repeated(app: Flask, commands_app: Flask) -> None:
    code, output = run(commands_app, "create-admin", "--phone", ADMIN_PHONE)
    assert (code, output.strip().endswith("is an admin already; nothing changed")) == (0, True)


def test_create_admin_prints_a_password_that_it_made(
    app: Flask, commands_app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTH_ADMIN_PASSWORD")
    code, output = run(commands_app, "create-admin", "--phone", "0899 999 999")
    assert code == 0
    password = output.strip().rpartition("password: ")[2]
    response = client.post("/auth/login", json={"phone": "+62899999999", "password": password})
    assert response.status_code == 200


def test_create_admin_never_prints_a_password_that_it_was_given(app: Flask, commands_app: Flask) -> None:
    assert "password" not in run(commands_app, "create-admin", "--phone", "+62899999999")[1]


@pytest.mark.parametrize("length", [19, 129])
def test_create_admin_takes_no_password_that_is_easy_to_guess_or_too_long(
    app: Flask, commands_app: Flask, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setenv("AUTH_ADMIN_PASSWORD", "x" * length)
    code, output = run(commands_app, "create-admin", "--phone", "+62899999999")
    assert code == 1
    assert "AUTH_ADMIN_PASSWORD must have 20 to 128 characters" in output


def test_create_admin_promotes_nobody(app: Flask, commands_app: Flask, client: FlaskClient) -> None:
    client.post("/auth/register", json={"name": "Siti", "phone": "08123456789"})
    code, output = run(commands_app, "create-admin", "--phone", "08123456789")
    assert code == 1
    assert "choose another phone" in output


def test_create_admin_says_what_a_phone_looks_like(commands_app: Flask) -> None:
    code, output = run(commands_app, "create-admin", "--phone", "12")
    assert code == 2
    assert "plus sign and 7 to 15 digits" in output


def test_create_admin_before_migrate_says_so(commands_app: Flask) -> None:
    code, output = run(commands_app, "create-admin", "--phone", ADMIN_PHONE)
    assert code == 1
    assert "has `migrate` run?" in output
    assert ADMIN_PHONE not in output
