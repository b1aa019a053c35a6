"""GET /auth/audit."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from efishery_auth.paging import MAX_ID, encode_cursor
from tests.unit.auth.accounts import add_event

Headers = dict[str, str]
NOON = datetime(2022, 5, 30, 12, tzinfo=UTC)  # before the registration of the admin, which is the newest in time


@pytest.fixture
def events(app: Flask) -> None:
    """Five events, one an hour, beside the one of the admin's registration."""
    listed = [
        ("logged_in", 7, 7),
        ("login_failed", None, 7),
        ("role_changed", 1, 8),
        ("disabled", 1, 7),
        ("logged_in", 8, 8),
    ]
    for number, (action, actor_id, user_id) in enumerate(listed):
        moment = NOON + timedelta(hours=number)
        add_event(app, action=action, actor_id=actor_id, user_id=user_id, occurred_at=moment, details=str(number))


def details(client: FlaskClient, admin: Headers, **query: Any) -> str:
    """Return the numbers of the events that are found, the admin's own events left out."""
    response = client.get("/auth/audit", query_string=query, headers=admin)
    assert response.status_code == 200, response.get_json()
    numbers = [event["details"] or "" for event in response.get_json()["data"]]
    return "".join(number for number in numbers if number.isdigit())


def test_an_event_as_json(app: Flask, client: FlaskClient, admin: Headers) -> None:
    moment = datetime(2022, 5, 30, 12, 0, 0, 125_000, tzinfo=UTC)
    add_event(app, action="login_failed", phone="**********789", occurred_at=moment)
    response = client.get("/auth/audit?action=login_failed", headers=admin)
    (event,) = response.get_json()["data"]
    assert event.pop("id") > 0
    assert event == {
        "occurred_at": "2022-05-30T12:00:00.125000Z",
        "action": "login_failed",
        "actor_id": None,
        "user_id": None,
        "phone": "**********789",
        "address": "192.0.2.1",
        "request_id": "r",
        "details": None,
    }
    assert response.headers["Cache-Control"] == "no-store"


def test_a_change_by_an_admin_is_seen_with_its_origin(client: FlaskClient, admin: Headers) -> None:
    siti = client.post("/auth/register", json={"name": "Siti", "phone": "08123456789"}).get_json()["data"]
    headers = admin | {"X-Request-ID": "the-request"}
    assert client.patch(f"/auth/users/{siti['id']}", json={"role": "admin"}, headers=headers).status_code == 200
    query = {"user_id": siti["id"], "action": "role_changed"}
    response = client.get("/auth/audit", query_string=query, headers=admin)
    (event,) = response.get_json()["data"]
    assert event["details"] == "user -> admin"
    assert (event["actor_id"], event["address"], event["request_id"]) == (1, "127.0.0.1", "the-request")
    assert "8123456789" not in response.get_data(as_text=True)


FOUND: list[tuple[dict[str, Any], str]] = [
    ({}, "43210"),
    ({"limit": 2, "until": "2022-05-30T16:00:00Z"}, "43"),
    ({"user_id": 7}, "310"),
    ({"user_id": 7, "actor_id": 1}, "3"),
    ({"actor_id": 1, "user_id": 8}, "2"),
    ({"action": "logged_in", "until": "2022-05-30T23:00:00Z"}, "40"),
    ({"since": "2022-05-30T13:00:00Z", "until": "2022-05-30T15:00:00+00:00"}, "321"),
    ({"since": "2022-05-30T20:00:00+07:00", "until": "2022-05-30t13:00:00.000z"}, "1"),
    ({"since": "9999-12-31T23:59:59Z"}, ""),
    ({"until": "0001-01-01T00:00:00Z"}, ""),
    ({"user_id": MAX_ID}, ""),
]


@pytest.mark.usefixtures("events")
def test_finds(client: FlaskClient, admin: Headers) -> None:
    for query, found in FOUND:
        assert details(client, admin, **query) == found, query


@pytest.mark.usefixtures("events")
def test_pages_are_stable_while_events_are_added(app: Flask, client: FlaskClient, admin: Headers) -> None:
    seen, url = "", "/auth/audit?limit=2&until=2022-05-30T23%3A00%3A00%2B00%3A00"
    while url:
        response = client.get(url, headers=admin)
        seen += "".join(event["details"] for event in response.get_json()["data"])
        add_event(app, details="9", occurred_at=NOON)
        url = response.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == "43210"


WRONG = [
    ("limit=-5", "limit"),
    (f"cursor={encode_cursor('users', 5)}", "cursor"),
    ("user_id=0", "user_id"),
    ("user_id=1.5", "user_id"),
    (f"user_id={MAX_ID + 1}", "user_id"),
    ("user_id=" + "9" * 5_000, "user_id"),
    ("actor_id=x", "actor_id"),
    ("action=LOGGED_IN", "action"),
    ("action=%00", "action"),
    ("since=2022-05-30", "since"),
    ("since=2022-05-30T12:00:00", "since"),
    ("since=2022-02-30T12:00:00Z", "since"),
    ("since=0001-01-01T00:00:00%2B01:00", "since"),
    ("since=1653897600", "since"),
    ("until=2022-05-30T12:00:00+07:00", "until"),
    ("since=2022-05-30T12:00:01Z&until=2022-05-30T12:00:00Z", "until"),
    ("page=2", "page"),
]


def test_a_wrong_parameter_is_named(client: FlaskClient, admin: Headers) -> None:
    for query, field in WRONG:
        response = client.get(f"/auth/audit?{query}", headers=admin)
        assert response.status_code == response.get_json()["status"] == 422, query[:40]
        assert [error["field"] for error in response.get_json()["errors"]] == [field]


def test_a_plus_sign_is_explained(client: FlaskClient, admin: Headers) -> None:
    errors = client.get("/auth/audit?until=2022-05-30T12:00:00+07:00", headers=admin).get_json()["errors"]
    assert errors[0]["msg"].endswith("write the + of an offset as %2B")
