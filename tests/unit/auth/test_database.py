from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import Engine, create_engine, make_url, select, text
from sqlalchemy.orm import Session

from efishery_auth import commands, create_app
from efishery_auth.database import RETRY_WITHIN_SECONDS, Endpoint, database, places_in_queue
from efishery_auth.gate import Away
from efishery_auth.models import Base, User
from efishery_auth.mysql import POOL_SIZE, engine_options
from efishery_auth.settings import AuthSettings, DatabaseSettings
from servicekit.settings import load
from tests.unit.auth.conftest import ADMIN_PASSWORD, ADMIN_PHONE
from tests.unit.auth.servers import lose_commits, resetting_server, silent_server

NOWHERE = "mysql+pymysql://nobody@127.0.0.1:1/none"
SITI = {"name": "Siti", "phone": "08123456789"}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = create_engine(f"sqlite:///{tmp_path}/endpoint.db")
    Base.metadata.create_all(made)
    return made


def mysql_at(port: int) -> Endpoint:
    url = make_url(f"mysql+pymysql://nobody@127.0.0.1:{port}/none")
    return Endpoint("primary", create_engine(url, **engine_options(url)))


def ask(endpoint: Endpoint) -> None:
    endpoint.run(lambda session: session.execute(text("SELECT 1")))


@pytest.mark.timeout(30)
def test_a_server_that_says_nothing_is_away_and_nobody_waits_for_it_again() -> None:
    with silent_server() as (port, came):
        endpoint = mysql_at(port)
        for _ in range(2):
            with pytest.raises(Away):
                ask(endpoint)
        assert len(came) == 1


@pytest.mark.timeout(30)
def test_a_connection_that_is_accepted_and_reset_is_like_a_refused_one() -> None:
    with resetting_server() as port, pytest.raises(Away):
        ask(mysql_at(port))
    with pytest.raises(Away):
        ask(mysql_at(1))


class Work:
    """A query that takes some seconds of `clock`, and counts how often it is made."""

    def __init__(self, seconds: float = 0) -> None:
        self.tries = 0
        self._seconds = seconds

    def __call__(self, session: Session) -> None:
        self.tries += 1
        session.execute(text("SELECT 1"))

    def clock(self) -> float:
        return self.tries * self._seconds


def test_what_is_lost_is_done_once_more(engine: Engine) -> None:
    lose_commits(engine, False)
    work = Work()
    Endpoint("primary", engine).run(work)
    assert work.tries == 2


def test_what_is_lost_twice_is_away(engine: Engine) -> None:
    lose_commits(engine, False, False, False)
    work = Work()
    with pytest.raises(Away):
        Endpoint("primary", engine).run(work)
    assert work.tries == 2


def test_what_is_lost_late_is_not_done_again(engine: Engine) -> None:
    lose_commits(engine, False)
    work = Work(seconds=RETRY_WITHIN_SECONDS + 0.1)
    with pytest.raises(Away):
        Endpoint("primary", engine, clock=work.clock).run(work)
    assert work.tries == 1


@pytest.mark.parametrize("stored", [True, False])
def test_who_registers_never_meets_their_own_lost_attempt(app: Flask, client: FlaskClient, stored: bool) -> None:
    with app.app_context():
        lose_commits(database().primary.engine, stored)
    response = client.post("/auth/register", json=SITI)
    assert response.status_code == 201
    user = response.get_json()["data"]
    login = client.post("/auth/login", json={"phone": user["phone"], "password": user["password"]})
    assert login.status_code == 200
    with app.app_context():
        query = select(User).where(User.phone == user["phone"])
        assert len(database().read(lambda session: session.scalars(query).all())) == 1


@pytest.fixture
def lagging(app: Flask, settings: AuthSettings, tmp_path: Path) -> FlaskClient:
    """Answer a client of auth whose replica has the tables, and none of the users."""
    url = f"sqlite:///{tmp_path}/replica.db"
    assert commands_of(url).invoke(args=["migrate"]).exit_code == 0
    return create_app(settings.model_copy(update={"database_read_url": url})).test_client()


def commands_of(url: str) -> FlaskCliRunner:
    return commands.create_app(DatabaseSettings(database_url=url)).test_cli_runner()


def test_who_has_just_registered_can_log_in(lagging: FlaskClient) -> None:
    user = lagging.post("/auth/register", json=SITI).get_json()["data"]
    response = lagging.post("/auth/login", json={"phone": user["phone"], "password": user["password"]})
    assert response.status_code == 200


def test_a_password_that_a_replica_has_not_seen_changed(app: Flask, lagging: FlaskClient, tmp_path: Path) -> None:
    runner = commands_of(f"sqlite:///{tmp_path}/replica.db")
    old = {"AUTH_ADMIN_PASSWORD": "the old password, longer"}
    made = runner.invoke(args=["create-admin", "--phone", ADMIN_PHONE], env=old)
    assert made.exit_code == 0, made.output
    new = lagging.post("/auth/login", json={"phone": ADMIN_PHONE, "password": ADMIN_PASSWORD})
    wrong = lagging.post("/auth/login", json={"phone": ADMIN_PHONE, "password": "neither"})
    assert (new.status_code, wrong.status_code) == (200, 401)


def test_reads_go_to_the_primary_where_no_replica_answers(app: Flask, settings: AuthSettings) -> None:
    client = create_app(settings.model_copy(update={"database_read_url": NOWHERE})).test_client()
    response = client.post("/auth/login", json={"phone": ADMIN_PHONE, "password": ADMIN_PASSWORD})
    assert response.status_code == 200


def test_logins_go_on_without_a_primary(app: Flask, settings: AuthSettings) -> None:
    urls = {"database_url": NOWHERE, "database_read_url": settings.database_url}
    client = create_app(settings.model_copy(update=urls)).test_client()
    right = client.post("/auth/login", json={"phone": ADMIN_PHONE, "password": ADMIN_PASSWORD})
    wrong = client.post("/auth/login", json={"phone": ADMIN_PHONE, "password": "wrong"})
    unknown = client.post("/auth/login", json={"phone": "+628999999999", "password": "wrong"})
    assert (right.status_code, wrong.status_code, unknown.status_code) == (200, 401, 401)


def test_writes_without_a_primary_are_503_with_retry_after(settings: AuthSettings) -> None:
    client = create_app(settings.model_copy(update={"database_url": NOWHERE})).test_client()
    response = client.post("/auth/register", json=SITI)
    assert response.status_code == response.get_json()["status"] == 503
    assert response.headers["Retry-After"] == "2"
    assert "127.0.0.1" not in response.get_data(as_text=True), "clients never see a database error"


def test_logs_of_a_lost_write_hold_nothing_of_it(
    app: Flask, settings: AuthSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    again = create_app(settings)  # logs go to the stdout of when it is made
    with again.app_context():
        lose_commits(database().primary.engine, False)
    again.test_client().post("/auth/register", json=SITI)
    written = capsys.readouterr().out
    assert "database_retry" in written
    assert "2013" in written
    assert "+628123456789" not in written
    assert "argon2" not in written


def test_half_of_the_threads_stay_for_what_needs_no_primary() -> None:
    assert [places_in_queue(threads) + POOL_SIZE for threads in (40, 16, 8, 1)] == [20, 8, 8, 8]


def test_the_password_goes_into_both_urls(settings: AuthSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_DATABASE_URL", "mysql+pymysql://efishery@mysql-primary/efishery")
    monkeypatch.setenv("AUTH_DATABASE_READ_URL", "mysql+pymysql://efishery@mysql-replicas/efishery")
    monkeypatch.setenv("AUTH_DATABASE_PASSWORD", "p@ss/word")
    monkeypatch.setenv("AUTH_SIGNING_KEY_FILE", str(settings.signing_key_file))
    read = load(AuthSettings)
    assert read.write_url.password == read.read_url.password == "p@ss/word"
    assert (read.write_url.host, read.read_url.host) == ("mysql-primary", "mysql-replicas")
    assert "p@ss" not in repr(read)


def test_a_ca_file_that_is_not_there_ends_the_start(
    settings: AuthSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTH_DATABASE_URL", "mysql+pymysql://efishery@mysql-primary/efishery")
    monkeypatch.setenv("AUTH_SIGNING_KEY_FILE", str(settings.signing_key_file))
    monkeypatch.setenv("AUTH_DATABASE_CA_FILE", "/nowhere/ca.crt")
    with pytest.raises(SystemExit):
        load(AuthSettings)
    assert "AUTH_DATABASE_CA_FILE" in capsys.readouterr().err


def test_without_a_database_the_keys_are_still_there(settings: AuthSettings) -> None:
    app = create_app(settings.model_copy(update={"database_url": NOWHERE}))
    assert app.test_client().get("/auth/.well-known/jwks.json").status_code == 200
