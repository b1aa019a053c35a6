from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url

from efishery_auth import create_app
from efishery_auth.database import db, engine_options, read_session
from efishery_auth.settings import AuthSettings
from servicekit.settings import load


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
    arguments = engine_options(make_url("mysql+pymysql://host/name"))["connect_args"]
    assert {"connect_timeout", "read_timeout", "write_timeout"} <= arguments.keys()


def test_a_database_that_is_away_is_503_with_retry_after(settings: AuthSettings) -> None:
    away = settings.model_copy(update={"database_url": "mysql+pymysql://nobody@127.0.0.1:1/none"})
    app: Flask = create_app(away)
    response = app.test_client().post("/auth/register", json={"name": "Siti", "phone": "08123456789"})
    assert response.status_code == response.get_json()["status"] == 503
    assert response.headers["Retry-After"] == "2"
    assert "127.0.0.1" not in response.get_data(as_text=True), "clients never see a database error"


def test_readiness_asks_the_database(settings: AuthSettings) -> None:
    away = settings.model_copy(update={"database_url": "mysql+pymysql://nobody@127.0.0.1:1/none"})
    assert create_app(away).extensions["servicekit"].health.failures() == {"database": "OperationalError"}
    assert create_app(settings).extensions["servicekit"].health.failures() == {}


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
