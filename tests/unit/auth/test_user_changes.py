"""PATCH /auth/users/{user_id}, PUT /auth/name, and who may write as an admin."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from efishery_auth import user_changes
from efishery_auth.models import AuditEvent, LoginSession, Role, User
from efishery_auth.origins import COMMAND_LINE
from efishery_auth.state import current_users
from efishery_auth.user_changes import Change, LastAdmin, NotAdmin
from tests.unit.auth.accounts import add_user, change_directly
from tests.unit.auth.conftest import Login

Headers = dict[str, str]
ADMIN = 1  # the id of the first admin
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def siti(app: Flask) -> int:
    return add_user(app, "Siti", "+628123456789")


def patch(client: FlaskClient, headers: Headers, user_id: int, **change: Any) -> tuple[int, Any]:
    response = client.patch(f"/auth/users/{user_id}", json=change, headers=headers)
    return response.status_code, response.get_json()["data"]


def read_user(app: Flask, user_id: int) -> User:
    with app.app_context():
        user = current_users().database.primary.read(lambda db_session: db_session.get(User, user_id))
    assert user is not None
    return user


def events_of(app: Flask, user_id: int) -> list[tuple[str, int | None, str | None]]:
    """Return action, actor and details of the events of an account."""
    statement = select(AuditEvent).where(AuditEvent.user_id == user_id).order_by(AuditEvent.id)
    with app.app_context():
        events = current_users().database.primary.read(lambda db_session: db_session.scalars(statement).all())
    return [(event.action, event.actor_id, event.details) for event in events]


def add_session(app: Flask, user_id: int, session_id: str) -> None:
    moments = {"created_at": NOW, "refreshed_at": NOW, "expires_at": datetime(2099, 1, 1, tzinfo=UTC)}
    hashes = {"family_hash": "f", "token_hash": "t", "address": "192.0.2.1", "user_agent": ""}
    session = LoginSession(id=session_id, user_id=user_id, **moments, **hashes)
    with app.app_context():
        current_users().database.primary.write(lambda db_session: db_session.add(session))


def end_reason(app: Flask, session_id: str) -> str | None:
    with app.app_context():
        session = current_users().database.primary.read(lambda db_session: db_session.get(LoginSession, session_id))
    assert session is not None
    assert (session.ended_at is None) == (session.end_reason is None)
    return session.end_reason


@pytest.mark.parametrize(
    ("change", "events", "reason"),
    [
        ({"role": "admin"}, [("role_changed", ADMIN, "user -> admin")], "role_changed"),
        ({"disabled": True}, [("disabled", ADMIN, None)], "disabled"),
        ({"name": "Siti Aminah"}, [("name_changed", ADMIN, None)], None),
        ({"name": "Siti", "role": "user", "disabled": False}, [], None),
    ],
    ids=str,
)
def test_a_change_is_recorded_and_ends_sessions(
    app: Flask, client: FlaskClient, admin: Headers, siti: int, change: Any, events: Any, reason: str | None
) -> None:
    add_session(app, siti, "of siti")
    add_session(app, ADMIN, "of the admin")
    status, user = patch(client, admin, siti, **change)
    assert status == 200
    assert {name: value for name, value in user.items() if name in change} == {
        name: value for name, value in change.items() if name in user
    }
    assert (user["disabled_at"] is not None) == change.get("disabled", False)
    assert events_of(app, siti) == events
    assert end_reason(app, "of siti") == reason
    assert end_reason(app, "of the admin") is None
    assert (read_user(app, siti).tokens_not_before is not None) == (reason is not None)
    assert client.get(f"/auth/users/{siti}", headers=admin).get_json()["data"] == user


def test_all_at_once_and_back(app: Flask, client: FlaskClient, admin: Headers, siti: int) -> None:
    assert patch(client, admin, siti, name="S", role="admin", disabled=True)[0] == 200
    assert patch(client, admin, siti, role="user", disabled=False)[0] == 200
    actions = [(action, details) for action, _, details in events_of(app, siti)]
    assert actions == [
        ("name_changed", None),
        ("role_changed", "user -> admin"),
        ("disabled", None),
        ("role_changed", "admin -> user"),
        ("enabled", None),
    ]


def test_disabling_again_keeps_the_first_moment(client: FlaskClient, admin: Headers, siti: int) -> None:
    first = patch(client, admin, siti, disabled=True)[1]["disabled_at"]
    assert first is not None
    assert patch(client, admin, siti, disabled=True)[1]["disabled_at"] == first


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "body"),
    ({"name": None}, "name"),
    ({"role": None}, "role"),
    ({"disabled": None}, "disabled"),
    ({"disabled": "true"}, "disabled"),
    ({"disabled": 1}, "disabled"),
    ({"role": "root"}, "role"),
    ({"role": ["admin"]}, "role"),
    ({"name": ""}, "name"),
    ({"name": "a\0b"}, "name"),
    ({"name": "x" * 101}, "name"),
    ({"name": "\u0958" * 100}, "name"),  # two characters each in NFC
    ({"phone": "08123456789"}, "phone"),
    ({"id": 7, "role": "user"}, "id"),
    ({"password_hash": "x", "role": "user"}, "password_hash"),
]


def test_a_wrong_field_is_named(client: FlaskClient, admin: Headers, siti: int) -> None:
    for body, field in WRONG:
        response = client.patch(f"/auth/users/{siti}", json=body, headers=admin)
        assert response.status_code == response.get_json()["status"] == 422, body
        assert [error["field"] for error in response.get_json()["errors"]] == [field]


@pytest.mark.parametrize("change", [{"role": "user"}, {"disabled": True}, {"name": "x", "disabled": True}], ids=str)
def test_the_last_admin_stays(app: Flask, client: FlaskClient, admin: Headers, change: Any) -> None:
    add_user(app, "Disabled", "+628777777777", role=Role.ADMIN, disabled_at=NOW)
    response = client.patch(f"/auth/users/{ADMIN}", json=change, headers=admin)
    assert response.status_code == response.get_json()["status"] == 409
    assert "make another user an admin first" in response.get_json()["msg"]
    assert (read_user(app, ADMIN).role, read_user(app, ADMIN).disabled_at) == ("admin", None)
    assert read_user(app, ADMIN).name == "Administrator", "nothing of the change is stored"
    assert [action for action, _, _ in events_of(app, ADMIN)] == ["registered", "logged_in"]


@pytest.mark.parametrize("change", [{"role": "admin"}, {"disabled": False}, {"name": "Boss"}], ids=str)
def test_the_last_admin_can_be_changed_otherwise(client: FlaskClient, admin: Headers, change: Any) -> None:
    assert patch(client, admin, ADMIN, **change)[0] == 200


def test_an_admin_beside_another_one_can_resign(app: Flask, client: FlaskClient, admin: Headers) -> None:
    add_user(app, "Other", "+628777777777", role=Role.ADMIN)
    assert patch(client, admin, ADMIN, role="user")[0] == 200


@pytest.mark.parametrize("change", [Change(role=Role.USER), Change(disabled=True)], ids=["demote", "disable"])
@pytest.mark.parametrize("target", ["the other", "oneself"])
def test_of_many_admins_that_go_at_once_one_stays(app: Flask, change: Change, target: str) -> None:
    admins = [ADMIN, *(add_user(app, "Admin", f"+62877777777{number}", role=Role.ADMIN) for number in range(5))]
    targets = admins if target == "oneself" else [*admins[1:], admins[0]]

    def remove(actor_id: int, user_id: int) -> str:
        facts = {"actor_id": actor_id, "now": NOW, "origin": COMMAND_LINE}
        with app.app_context():
            try:
                current_users().database.primary.write(
                    lambda db_session: user_changes.change(db_session, user_id, change, **facts)  # type: ignore[arg-type]
                )
            except (LastAdmin, NotAdmin) as error:
                return type(error).__name__
        return "removed"

    with ThreadPoolExecutor(len(admins)) as threads:
        results = list(threads.map(remove, admins, targets))
    users = [read_user(app, each) for each in admins]
    left = [user.id for user in users if user.role == "admin" and not user.disabled_at]
    assert len(left) == len(admins) - results.count("removed") >= 1
    assert set(results) <= ({"removed", "LastAdmin"} if target == "oneself" else {"removed", "NotAdmin"})
    assert target != "oneself" or results.count("removed") == len(admins) - 1


@pytest.mark.parametrize("values", [{"role": "user"}, {"disabled_at": NOW}], ids=str)
def test_the_role_in_a_token_is_not_enough_to_write(
    app: Flask, client: FlaskClient, admin: Headers, siti: int, values: Any
) -> None:
    change_directly(app, ADMIN, **values)
    new = {"name": "Eve", "phone": "08777777777", "role": "admin"}
    for response in (
        client.patch(f"/auth/users/{siti}", json={"role": "admin"}, headers=admin),
        client.post("/auth/register", json=new, headers=admin),
        client.post("/auth/register", json=new, headers=admin | {"Idempotency-Key": "0123456789abcdef"}),
    ):
        assert response.status_code == response.get_json()["status"] == 403
        assert response.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'
    assert read_user(app, siti).role == "user"


def test_registrations_are_recorded(app: Flask, client: FlaskClient, admin: Headers) -> None:
    user = client.post("/auth/register", json={"name": "Siti", "phone": "08123456789"}).get_json()["data"]
    new = {"name": "Budi", "phone": "08777777777", "role": "admin"}
    other = client.post("/auth/register", json=new, headers=admin).get_json()["data"]
    assert client.post("/auth/register", json=new, headers=admin).status_code == 409
    assert events_of(app, ADMIN) == [("registered", None, "admin"), ("logged_in", ADMIN, None)]
    assert events_of(app, user["id"]) == [("registered", None, "user")]
    assert events_of(app, other["id"]) == [("registered", ADMIN, "admin")]


def test_a_registration_that_is_repeated_is_recorded_once(app: Flask, client: FlaskClient) -> None:
    key = {"Idempotency-Key": "0123456789abcdef"}
    first = client.post("/auth/register", json={"name": "Siti", "phone": "08123456789"}, headers=key)
    again = client.post("/auth/register", json={"name": "Siti", "phone": "08123456789"}, headers=key)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert events_of(app, first.get_json()["data"]["id"]) == [("registered", None, "user")]


@pytest.mark.parametrize("name", ["José Åkesson", "漁師", "שרה", "😀 O'Brien <b>", "é" * 40, "Đặng 100%"])
def test_names_are_kept_and_composed(app: Flask, client: FlaskClient, login: Login, name: str) -> None:
    sent = {"name": unicodedata.normalize("NFD", name), "phone": "08123456789"}
    user = client.post("/auth/register", json=sent).get_json()["data"]
    assert user["name"] == name
    headers = login(user["phone"], user["password"])
    for wanted in ("Somebody", unicodedata.normalize("NFD", name)):
        response = client.put("/auth/name", json={"name": f" {wanted} "}, headers=headers)
        assert response.status_code == 200
        assert response.get_json()["data"]["name"] == unicodedata.normalize("NFC", wanted)
    assert read_user(app, user["id"]).name == name
    assert [(action, actor) for action, actor, _ in events_of(app, user["id"])][-2:] == [
        ("name_changed", user["id"]),
        ("name_changed", user["id"]),
    ]


def test_ones_own_name(app: Flask, client: FlaskClient, admin: Headers) -> None:
    assert client.put("/auth/name", json={"name": "Administrator"}, headers=admin).status_code == 200
    assert [action for action, _, _ in events_of(app, ADMIN)] == ["registered", "logged_in"], "nothing has changed"
    assert client.put("/auth/name", json={"name": "x"}).status_code == 401
    wrong = client.put("/auth/name", json={"name": "x", "role": "admin"}, headers=admin)
    assert [error["field"] for error in wrong.get_json()["errors"]] == ["role"]
    assert client.put("/auth/name", json={}, headers=admin).status_code == 422
    change_directly(app, ADMIN, disabled_at=NOW)
    disabled = client.put("/auth/name", json={"name": "x"}, headers=admin)
    assert (disabled.status_code, disabled.headers["WWW-Authenticate"]) == (401, "Bearer")
