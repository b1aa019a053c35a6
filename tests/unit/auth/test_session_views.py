"""Login, refresh, logout and the list of sessions, over HTTP."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from efishery_auth import create_app, session_store
from efishery_auth.models import AuditEvent, LoginSession, User
from efishery_auth.settings import AuthSettings
from efishery_auth.state import SESSIONS
from tests.unit.auth.conftest import ADMIN_PASSWORD, ADMIN_PHONE
from tests.unit.auth.servers import fail_statements, lose_commit

LOGIN = {"phone": ADMIN_PHONE, "password": ADMIN_PASSWORD}
NOWHERE = "mysql+pymysql://nobody@127.0.0.1:1/none"
Tokens = dict[str, Any]


@pytest.fixture
def tokens(client: FlaskClient) -> Tokens:
    return log_in(client)


@pytest.fixture
def without_primary(app: Flask, settings: AuthSettings) -> FlaskClient:
    urls = {"database_url": NOWHERE, "database_read_url": settings.database_url}
    return create_app(settings.model_copy(update=urls)).test_client()


def log_in(client: FlaskClient, **login: str) -> Tokens:
    response = client.post("/auth/login", json=LOGIN | login, headers={"User-Agent": "curl/8"})
    assert response.status_code == 200, response.get_json()
    data: Tokens = response.get_json()["data"]
    return data


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/auth/refresh", json={"refresh_token": token})


def bearer(tokens: Tokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def claims_of(tokens: Tokens) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    return claims


def write(app: Flask, statement: Any) -> None:
    app.extensions[SESSIONS].database.primary.write(lambda session: session.execute(statement))


def let_pass(app: Flask, seconds: int) -> None:
    """Make all sessions look that much older."""
    with_offset = {name: datetime.now(UTC) - timedelta(seconds=seconds) for name in ("created_at", "refreshed_at")}
    write(app, update(LoginSession).values(with_offset))


def audited(app: Flask) -> list[str]:
    statement = select(AuditEvent.action).order_by(AuditEvent.id)
    return list(app.extensions[SESSIONS].database.primary.read(lambda session: session.scalars(statement).all()))


def publish(app: Flask) -> None:
    """Let the background task have its turn."""
    app.extensions["servicekit"].background_tasks["revocations"].__self__.publish(datetime.now(UTC))


def test_a_login_starts_a_session(app: Flask, tokens: Tokens) -> None:
    assert len(tokens["refresh_token"]) == 66
    assert tokens["refresh_expires_in"] == 604_800
    assert claims_of(tokens)["sid"] == tokens["refresh_token"][:22]
    assert audited(app) == ["registered", "logged_in"]


def test_a_refresh_answers_new_tokens_of_the_same_session(client: FlaskClient, tokens: Tokens) -> None:
    response = refresh(client, tokens["refresh_token"])
    after = response.get_json()["data"]
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert after.keys() == tokens.keys()
    assert after["refresh_token"] != tokens["refresh_token"]
    assert 604_799 <= after["refresh_expires_in"] <= 604_800
    before = claims_of(tokens)
    assert {name: claims_of(after)[name] for name in ("sid", "sub", "role")} == {
        name: before[name] for name in ("sid", "sub", "role")
    }
    assert client.get("/auth/claims", headers=bearer(after)).status_code == 200


def test_a_refresh_has_the_users_name_and_role_of_now(app: Flask, client: FlaskClient, tokens: Tokens) -> None:
    write(app, update(User).values(role="user", name="Siti"))
    claims = claims_of(refresh(client, tokens["refresh_token"]).get_json()["data"])
    assert (claims["role"], claims["name"]) == ("user", "Siti")


def test_a_disabled_user_cannot_refresh(app: Flask, client: FlaskClient, tokens: Tokens) -> None:
    write(app, update(User).values(disabled_at=datetime.now(UTC)))
    assert refresh(client, tokens["refresh_token"]).status_code == 401


def test_a_reuse_ends_the_session_and_is_audited(app: Flask, client: FlaskClient, tokens: Tokens) -> None:
    other = log_in(client)
    successor = refresh(client, tokens["refresh_token"]).get_json()["data"]["refresh_token"]
    let_pass(app, 4)
    assert refresh(client, tokens["refresh_token"]).status_code == 401
    assert refresh(client, successor).status_code == 401
    assert refresh(client, other["refresh_token"]).status_code == 200
    assert audited(app) == ["registered", "logged_in", "logged_in", "refresh_token_reused"]


def test_a_double_submission_is_a_409(client: FlaskClient, tokens: Tokens) -> None:
    successor = refresh(client, tokens["refresh_token"]).get_json()["data"]["refresh_token"]
    response = refresh(client, tokens["refresh_token"])
    assert response.status_code == response.get_json()["status"] == 409
    assert refresh(client, successor).status_code == 200


def test_all_refusals_of_a_refresh_token_are_alike(app: Flask, client: FlaskClient) -> None:
    reused, ended, expired = (log_in(client) for _ in range(3))
    refresh(client, reused["refresh_token"])
    client.post("/auth/logout", headers=bearer(ended))
    let_pass(app, 4)
    expired_id = claims_of(expired)["sid"]
    write(app, update(LoginSession).where(LoginSession.id == expired_id).values(expires_at=datetime.now(UTC)))
    answers = [refresh(client, token) for token in (reused["refresh_token"], ended["refresh_token"], "x" * 66)]
    answers.append(refresh(client, expired["refresh_token"]))
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}
    assert len({answer.get_data() for answer in answers}) == 1


@pytest.mark.parametrize("token", ["", "x" * 65, "x" * 100_000, "x" * 65 + "/", None, 1])
def test_what_cannot_be_a_refresh_token_is_named(client: FlaskClient, token: object) -> None:
    response = client.post("/auth/refresh", json={"refresh_token": token})
    if token == "x" * 100_000:
        assert response.status_code == 413
    else:
        assert response.status_code == 422
        assert [error["field"] for error in response.get_json()["errors"]] == ["refresh_token"]


@pytest.mark.timeout(60)
def test_of_100_parallel_uses_one_gets_tokens(app: Flask, tokens: Tokens) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: refresh(app.test_client(), tokens["refresh_token"]), range(100)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 99}
    (pair,) = [answer.get_json()["data"] for answer in answers if answer.status_code == 200]
    assert refresh(app.test_client(), pair["refresh_token"]).status_code == 200


def test_logout_ends_the_session_and_its_access_tokens(app: Flask, client: FlaskClient, tokens: Tokens) -> None:
    other = log_in(client)
    response = client.post("/auth/logout", headers=bearer(tokens))
    assert (response.status_code, response.get_json()["msg"]) == (200, "logged out")
    assert refresh(client, tokens["refresh_token"]).status_code == 401
    publish(app)
    for path in ("/auth/claims", "/auth/sessions"):
        answer = client.get(path, headers=bearer(tokens))
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
        assert answer.get_json()["msg"] == "the session has ended; log in again"
    assert client.get("/auth/claims", headers=bearer(other)).status_code == 200
    assert audited(app)[-1] == "logged_out"


def test_an_ended_session_registers_no_admin(app: Flask, client: FlaskClient, tokens: Tokens) -> None:
    client.post("/auth/logout", headers=bearer(tokens))
    publish(app)
    form = {"name": "X", "phone": "08123456789", "role": "admin"}
    assert client.post("/auth/register", json=form, headers=bearer(tokens)).status_code == 401


def test_the_list_has_the_own_sessions_only(client: FlaskClient, tokens: Tokens) -> None:
    registered = client.post("/auth/register", json={"name": "Siti", "phone": "08123456789"}).get_json()["data"]
    siti = log_in(client, phone=registered["phone"], password=registered["password"])
    newest = log_in(client)
    answer = client.get("/auth/sessions", headers=bearer(tokens)).get_json()
    assert answer["meta"] == {"count": 2}
    assert [(each["id"], each["current"]) for each in answer["data"]] == [
        (claims_of(newest)["sid"], False),
        (claims_of(tokens)["sid"], True),
    ]
    assert answer["data"][0].keys() == {
        "id",
        "created_at",
        "refreshed_at",
        "expires_at",
        "address",
        "user_agent",
        "current",
    }
    assert answer["data"][0]["user_agent"] == "curl/8"
    assert answer["data"][0]["address"] == "127.0.0.1"
    foreign = client.delete(f"/auth/sessions/{claims_of(siti)['sid']}", headers=bearer(tokens))
    unknown = client.delete("/auth/sessions/unknown", headers=bearer(tokens))
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.get_data() == unknown.get_data()
    assert refresh(client, siti["refresh_token"]).status_code == 200


def test_one_session_can_be_ended_from_another(app: Flask, client: FlaskClient, tokens: Tokens) -> None:
    lost = log_in(client)
    path = f"/auth/sessions/{claims_of(lost)['sid']}"
    assert client.delete(path, headers=bearer(tokens)).status_code == 200
    assert client.delete(path, headers=bearer(tokens)).status_code == 404
    assert refresh(client, lost["refresh_token"]).status_code == 401
    assert refresh(client, tokens["refresh_token"]).status_code == 200
    assert audited(app)[-1] == "session_ended"


def test_all_others_can_be_ended(client: FlaskClient, tokens: Tokens) -> None:
    others = [log_in(client) for _ in range(2)]
    assert client.delete("/auth/sessions", headers=bearer(tokens)).status_code == 200
    assert {refresh(client, other["refresh_token"]).status_code for other in others} == {401}
    assert refresh(client, tokens["refresh_token"]).status_code == 200


def test_a_login_without_a_primary_has_no_session(without_primary: FlaskClient) -> None:
    tokens = log_in(without_primary)
    assert tokens.keys() == {"access_token", "token_type", "expires_in"}
    assert "sid" not in claims_of(tokens)
    assert without_primary.get("/auth/claims", headers=bearer(tokens)).status_code == 200
    assert without_primary.get("/auth/sessions", headers=bearer(tokens)).get_json()["data"] == []


@pytest.mark.parametrize("stored", [True, False])
def test_a_login_whose_commit_is_lost_has_no_session(app: Flask, client: FlaskClient, stored: bool) -> None:
    lose_commit(app.extensions[SESSIONS].database.sessions.engine, stored=stored)
    assert "refresh_token" not in log_in(client)


def test_a_read_only_primary_is_no_reason_to_refuse_a_login(app: Flask, client: FlaskClient) -> None:
    recover = fail_statements(app.extensions[SESSIONS].database.sessions.engine, 1290)
    assert "refresh_token" not in log_in(client)
    recover()


def test_logout_without_a_session_ends_the_tokens_that_have_none(
    app: Flask, client: FlaskClient, without_primary: FlaskClient, tokens: Tokens
) -> None:
    without = log_in(without_primary)
    assert client.post("/auth/logout", headers=bearer(without)).status_code == 200
    publish(app)
    assert client.get("/auth/claims", headers=bearer(without)).status_code == 401
    assert client.get("/auth/claims", headers=bearer(tokens)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/auth/refresh"),
        ("POST", "/auth/logout"),
        ("DELETE", "/auth/sessions"),
        ("DELETE", "/auth/sessions/x"),
    ],
)
def test_what_must_be_stored_is_503_without_a_primary(
    without_primary: FlaskClient, tokens: Tokens, method: str, path: str
) -> None:
    body = {"refresh_token": tokens["refresh_token"]} if path == "/auth/refresh" else None
    response = without_primary.open(path, method=method, json=body, headers=bearer(tokens))
    assert response.status_code == response.get_json()["status"] == 503
    assert response.headers["Retry-After"] == "2"


def test_a_refresh_that_was_stored_and_answered_503_is_a_409_then(app: Flask, client: FlaskClient) -> None:
    tokens = log_in(client)
    lose_commit(app.extensions[SESSIONS].database.primary.engine, stored=True)
    assert refresh(client, tokens["refresh_token"]).status_code == 503
    app.extensions[SESSIONS].database.primary._breaker.close()
    assert refresh(client, tokens["refresh_token"]).status_code == 409


def change_during_login(app: Flask, monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    """Change the user after the password was verified, before the session starts."""
    start: Callable[..., session_store.Login] = session_store.SessionStore.start

    def change_and_start(*args: Any, **kwargs: Any) -> session_store.Login:
        write(app, update(User).values(values))
        return start(*args, **kwargs)

    monkeypatch.setattr(session_store.SessionStore, "start", change_and_start)


def test_a_password_changed_during_the_login_starts_no_session(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_during_login(app, monkeypatch, password_hash="another")
    assert client.post("/auth/login", json=LOGIN).status_code == 401
    assert audited(app) == ["registered", "login_failed"]


def test_a_user_disabled_during_the_login_is_answered_as_a_wrong_password(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = client.post("/auth/login", json=LOGIN | {"password": "wrong"})
    change_during_login(app, monkeypatch, disabled_at=datetime.now(UTC))
    response = client.post("/auth/login", json=LOGIN)
    assert (response.status_code, response.get_data()) == (401, wrong.get_data())


def test_the_role_of_a_login_is_that_of_the_primary(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_during_login(app, monkeypatch, role="user")
    assert claims_of(log_in(client))["role"] == "user"
