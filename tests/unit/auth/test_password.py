"""PUT /auth/password, and POST /auth/users/{user_id}/password."""

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from efishery_auth import create_app, sessions
from efishery_auth.database import Database
from efishery_auth.models import AuditEvent, User
from efishery_auth.origins import COMMAND_LINE
from efishery_auth.sessions import Lifetimes
from efishery_auth.settings import AuthSettings
from efishery_auth.state import EXTENSION
from tests.unit.auth.conftest import ADMIN_PASSWORD, ADMIN_PHONE, Login
from tests.unit.auth.servers import lose_commit

SITI_PHONE, CHOSEN = "+628123456789", "ikan lele goreng enak"
Headers = dict[str, str]


@pytest.fixture
def database(app: Flask) -> Database:
    found: Database = app.extensions[EXTENSION].database
    return found


@pytest.fixture
def password(client: FlaskClient) -> str:
    """Register Siti; return her password."""
    answer = client.post("/auth/register", json={"name": "Siti", "phone": SITI_PHONE})
    generated: str = answer.get_json()["data"]["password"]
    return generated


@pytest.fixture
def siti(login: Login, password: str) -> Headers:
    return login(SITI_PHONE, password)


def user_of(database: Database, phone: str) -> User:
    return database.primary.read(lambda db_session: db_session.scalars(select(User).where(User.phone == phone)).one())


def actions(database: Database) -> list[tuple[str, int | None, int | None]]:
    rows = database.primary.read(
        lambda db_session: db_session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    )
    return [(row.action, row.actor_id, row.user_id) for row in rows if "password" in row.action]


def start_session(database: Database, user: User) -> str:
    now = datetime.now(UTC) - timedelta(minutes=1)

    def start(db_session: Session) -> str:
        session, _token = sessions.start(db_session, user, now=now, origin=COMMAND_LINE, lifetimes=Lifetimes())
        return session.id

    return database.primary.write(start)


def active(database: Database, user: User) -> list[str]:
    now = datetime.now(UTC)
    return [each.id for each in database.primary.read(lambda db_session: sessions.active(db_session, user.id, now))]


def choose(client: FlaskClient, headers: Headers, current: str, new: str = CHOSEN) -> TestResponse:
    form = {"current_password": current, "new_password": new}
    return client.put("/auth/password", json=form, headers=headers)


def log_in(client: FlaskClient, password: str, phone: str = SITI_PHONE) -> int:
    return client.post("/auth/login", json={"phone": phone, "password": password}).status_code


def test_a_chosen_password_replaces_the_generated_one(
    client: FlaskClient, database: Database, siti: Headers, password: str
) -> None:
    answer = choose(client, siti, password)
    assert (answer.status_code, answer.get_json()["data"]) == (200, None)
    assert (log_in(client, CHOSEN), log_in(client, password)) == (200, 401)
    user = user_of(database, SITI_PHONE)
    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert actions(database) == [("password_changed", user.id, user.id)]


def test_it_is_the_same_password_in_each_form_of_unicode(client: FlaskClient, siti: Headers, password: str) -> None:
    assert choose(client, siti, password, "cafe\u0301 au lait sur la mer").status_code == 200
    assert log_in(client, "caf\u00e9 au lait sur la mer") == 200
    assert log_in(client, "cafe\u0301 au lait sur la mer") == 200


def test_as_many_characters_may_be_logged_in_with_as_chosen(client: FlaskClient, siti: Headers, password: str) -> None:
    longest = "".join(
        chr(0x1EA0 + number * number * 7 % 83) for number in range(128)
    )  # two and three characters each, decomposed
    assert choose(client, siti, password, longest + "x").status_code == 422
    assert choose(client, siti, password, longest).status_code == 200
    assert log_in(client, unicodedata.normalize("NFD", longest)) == 200


@pytest.mark.parametrize(
    ("new", "msg"),
    [
        ("short 123", "at least 12"),
        ("x" * 129, "at most 128"),
        ("password1234", "easy to guess"),
        (f"Siti{SITI_PHONE}", "easy to guess"),
        ("two\nlines of it all", "control characters"),
    ],
)
def test_a_password_that_may_not_be_chosen_is_a_422_that_says_what_to_do(
    client: FlaskClient, siti: Headers, password: str, new: str, msg: str
) -> None:
    answer = choose(client, siti, password, new)
    assert answer.status_code == answer.get_json()["status"] == 422
    (error,) = answer.get_json()["errors"]
    assert error["field"] == "new_password"
    assert msg in error["msg"]
    assert log_in(client, password) == 200


def test_the_same_password_again_is_refused(client: FlaskClient, siti: Headers, password: str) -> None:
    answer = choose(client, siti, password, password)
    assert answer.get_json()["errors"] == [{"field": "new_password", "msg": "must differ from current_password"}]


def test_the_same_password_again_is_refused_before_it_is_hashed(client: FlaskClient, siti: Headers) -> None:
    wrong = "neither is the current one"
    assert choose(client, siti, wrong, wrong).status_code == 422


def test_a_wrong_current_password_is_401_then_429_for_this_session_alone(
    client: FlaskClient, login: Login, siti: Headers, password: str
) -> None:
    answers = [choose(client, siti, "wrong") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    assert answers[0].get_json()["msg"] == "current_password is wrong"
    assert choose(client, siti, password).status_code == 429
    assert choose(client, login(SITI_PHONE, password), password).status_code == 200


def test_a_locked_phone_does_not_hinder_who_has_logged_in(client: FlaskClient, siti: Headers, password: str) -> None:
    assert [log_in(client, "wrong") for _ in range(6)] == [401] * 5 + [429]
    assert choose(client, siti, password).status_code == 200


def test_no_token_is_401(client: FlaskClient, password: str) -> None:
    assert choose(client, {}, password).status_code == 401


def test_the_other_sessions_end(client: FlaskClient, database: Database, siti: Headers, password: str) -> None:
    user = user_of(database, SITI_PHONE)
    (own,) = active(database, user)
    start_session(database, user)
    assert choose(client, siti, password).status_code == 200
    assert active(database, user) == [own]
    assert user_of(database, SITI_PHONE).tokens_not_before is not None


def test_an_unknown_outcome_is_said(
    app: Flask, client: FlaskClient, database: Database, siti: Headers, password: str
) -> None:
    lose_commit(database.primary.engine, stored=False)
    answer = choose(client, siti, password)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "may be changed or not" in answer.get_json()["msg"]


def test_an_admin_issues_a_new_password(
    client: FlaskClient, database: Database, siti: Headers, password: str, admin: Headers
) -> None:
    user = user_of(database, SITI_PHONE)
    start_session(database, user)
    for _ in range(6):
        log_in(client, "wrong")
    answer = client.post(f"/auth/users/{user.id}/password", headers=admin)
    data = answer.get_json()["data"]
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert data == {"id": user.id, "name": "Siti", "phone": SITI_PHONE, "role": "user", "password": data["password"]}
    assert active(database, user) == []
    assert log_in(client, data["password"]) == 200, "the lock was lifted"
    assert log_in(client, password) == 401
    assert actions(database) == [("password_issued", 1, user.id)]


@pytest.mark.parametrize("user_id", ["99", "0", "-1", "x", "9" * 30, "1e3"])
def test_an_unknown_user_is_404(client: FlaskClient, admin: Headers, user_id: str) -> None:
    answer = client.post(f"/auth/users/{user_id}/password", headers=admin)
    assert answer.status_code == answer.get_json()["status"] == 404


def test_only_an_admin_issues_passwords(client: FlaskClient, siti: Headers) -> None:
    assert client.post("/auth/users/1/password", headers=siti).status_code == 403
    assert client.post("/auth/users/1/password").status_code == 401
    assert log_in(client, ADMIN_PASSWORD, ADMIN_PHONE) == 200


def test_a_login_makes_the_hash_slower_when_the_settings_have_risen(
    client: FlaskClient, database: Database, settings: AuthSettings, siti: Headers, password: str
) -> None:
    choose(client, siti, password)
    slower = create_app(settings.model_copy(update={"password_hash_passes": 3})).test_client()
    assert log_in(slower, ADMIN_PASSWORD, ADMIN_PHONE) == log_in(slower, CHOSEN) == 200
    assert "$m=19456,t=3,p=1$" in user_of(database, SITI_PHONE).password_hash
    assert "$m=9216,t=1,p=1$" in user_of(database, ADMIN_PHONE).password_hash, "generated passwords stay quick"
    assert log_in(client, CHOSEN) == 200
    assert "$m=19456,t=3,p=1$" in user_of(database, SITI_PHONE).password_hash, "it never becomes quicker"


def test_a_login_goes_on_when_the_hash_cannot_be_stored(
    client: FlaskClient, settings: AuthSettings, siti: Headers, password: str
) -> None:
    choose(client, siti, password)
    urls = {"database_url": "mysql+pymysql://nobody@127.0.0.1:1/none", "database_read_url": settings.database_url}
    slower = create_app(settings.model_copy(update={"password_hash_passes": 3, **urls})).test_client()
    assert log_in(slower, CHOSEN) == 200


def test_a_registration_is_repeated_until_its_password_is_changed(client: FlaskClient, login: Login) -> None:
    def register() -> TestResponse:
        form, headers = {"name": "Siti", "phone": SITI_PHONE}, {"Idempotency-Key": "0123456789abcdef"}
        return client.post("/auth/register", json=form, headers=headers)

    generated = register().get_json()["data"]["password"]
    assert register().get_json()["data"]["password"] == generated
    assert choose(client, login(SITI_PHONE, generated), generated).status_code == 200
    assert register().status_code == 409
