from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from efishery_auth import create_app
from efishery_auth.database import db, engine_options, read_session
from efishery_auth.settings import AuthSettings
from servicekit.settings import load
from tests.unit.auth.conftest import ADMIN_PASSWORD, ADMIN_PHONE


def test_reads_and_writes_have_engines_of_their_own(settings: AuthSettings, tmp_path: Path) -> None:
    app = create_app(settings.model_copy(update={"database_read_url": f"sqlite:///{tmp_path}/replica.db"}))
    with app.app_context(), read_session() as session:
        assert str(session.get_bind().engine.url).endswith("replica.db")
        assert str(db.session.get_bind().engine.url).endswith("auth.db")


def test_the_password_goes_into_both_urls(settings: AuthSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_DATABASE_URL", "mysql+pymysql://efishery@mysql-primary/efishery")
    monkeypatch.setenv("AUTH_DATABASE_READ_URL", "mysql+pymysql://efishery@mysql-replicas/efishery")
    monkeypatch.setenv("AUTH_DATABASE_PASSWORD", "p@ss/word")
    monkeypatch.setenv("AUTH_SIGNING_KEY_FILE", str(settings.signing_key_file))
    read = load(AuthSettings)
    assert read.write_url.password == read.read_url.password == "p@ss/word"
    assert (read.write_url.host, read.read_url.host) == ("mysql-primary", "mysql-replicas")
    assert "p@ss" not in repr(read)


def test_mysql_is_waited_for_only_so_long() -> None:
    options = engine_options(make_url("mysql+pymysql://host/name"))
    assert options["pool_pre_ping"] is True
    assert options["pool_timeout"] <= 2
    assert options["connect_args"] == {"connect_timeout": 2, "read_timeout": 5, "write_timeout": 5}


def test_a_database_that_is_away_is_503_with_retry_after(settings: AuthSettings) -> None:
    away = settings.model_copy(update={"database_url": "mysql+pymysql://nobody@127.0.0.1:1/none"})
    app: Flask = create_app(away)
    response = app.test_client().post("/auth/register", json={"name": "Siti", "phone": "08123456789"})
    assert response.status_code == response.get_json()["status"] == 503
    assert response.headers["Retry-After"] == "2"
    assert "127.0.0.1" not in response.get_data(as_text=True), "clients never see a database error"


def test_without_a_database_the_keys_are_still_there(settings: AuthSettings) -> None:
    away = settings.model_copy(update={"database_url": "mysql+pymysql://nobody@127.0.0.1:1/none"})
    app = create_app(away)
    assert app.test_client().get("/auth/.well-known/jwks.json").status_code == 200
    assert app.extensions["servicekit"].health.failures() == {}


def test_logins_need_no_primary(app: Flask, settings: AuthSettings) -> None:
    no_primary = {"database_url": "mysql+pymysql://nobody@127.0.0.1:1/none", "database_read_url": settings.database_url}
    client = create_app(settings.model_copy(update=no_primary)).test_client()
    assert client.post("/auth/login", json={"phone": ADMIN_PHONE, "password": ADMIN_PASSWORD}).status_code == 200
    assert client.post("/auth/register", json={"name": "Siti", "phone": "08123456789"}).status_code == 503


def test_a_pool_without_a_free_connection_is_503(settings: AuthSettings) -> None:
    app = create_app(settings)

    @app.get("/exhausted")
    def exhausted() -> str:
        raise PoolTimeoutError("QueuePool limit")

    assert app.test_client().get("/exhausted").status_code == 503


def test_a_failing_statement_logs_none_of_its_parameters(
    settings: AuthSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    client = create_app(settings).test_client()  # never migrated, so each statement fails
    client.post("/auth/register", json={"name": "Hidden Name", "phone": "+628777000111"})
    client.post("/auth/login", json={"phone": "+628777000111", "password": "x"})
    written = capsys.readouterr().out
    assert "no such table" in written
    for secret in ("Hidden Name", "+628777000111", "argon2"):
        assert secret not in written
