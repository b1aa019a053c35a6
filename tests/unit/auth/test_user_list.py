"""GET /auth/users and GET /auth/users/{user_id}."""

import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from efishery_auth.models import Role
from efishery_auth.paging import MAX_ID, encode_cursor
from tests.unit.auth.accounts import add_user
from tests.unit.auth.conftest import ADMIN_PHONE, Login

Headers = dict[str, str]


@pytest.fixture
def people(app: Flask) -> list[int]:
    """Five users besides the admin, who has the id 1."""
    return [
        add_user(app, "Siti Aminah", "+628123456789"),
        add_user(app, "Budi 100%", "+628222222222", role=Role.ADMIN),
        add_user(app, "budi_s", "+6591234567", disabled_at=datetime(2022, 5, 30, 8, tzinfo=UTC)),
        add_user(app, "José Åkesson", "+46701234567"),
        add_user(app, "漁師", "+819012345678"),
    ]


def ids(client: FlaskClient, admin: Headers, **query: Any) -> list[int]:
    response = client.get("/auth/users", query_string=query, headers=admin)
    assert response.status_code == 200, response.get_json()
    return [user["id"] for user in response.get_json()["data"]]


def test_a_user_has_everything_but_the_hash(app: Flask, client: FlaskClient, admin: Headers, people: list[int]) -> None:
    response = client.get("/auth/users", query_string={"disabled": "true"}, headers=admin)
    assert response.get_json()["data"] == [
        {
            "id": people[2],
            "name": "budi_s",
            "phone": "+6591234567",
            "role": "user",
            "created_at": "2022-05-01T03:00:00Z",
            "disabled_at": "2022-05-30T08:00:00Z",
        }
    ]
    assert response.headers["Cache-Control"] == "no-store"
    assert client.get(f"/auth/users/{people[2]}", headers=admin).get_json()["data"] == response.get_json()["data"][0]


FOUND = [
    ({"role": "admin"}, [0, 2]),
    ({"disabled": "false", "role": "user"}, [1, 4, 5]),
    ({"search": "siti"}, [1]),
    ({"search": " AMINAH "}, [1]),
    ({"search": "BUDI"}, [2, 3]),
    ({"search": "%"}, [2]),
    ({"search": "_"}, [3]),
    ({"search": "/"}, []),
    ({"search": "\\"}, []),
    ({"search": "'; DROP TABLE users; --"}, []),
    ({"search": "漁"}, [5]),
    ({"search": "José"}, [4]),
    ({"search": unicodedata.normalize("NFD", "José Å")}, [4]),
    ({"search": "456"}, [1, 3, 4, 5]),
    ({"search": "+628123456789"}, [1]),
    ({"search": "0812-345"}, [1]),
    ({"search": "0812 345"}, [1]),
    ({"search": "8123"}, [1]),
    ({"search": "12"}, []),  # two digits do not look like a phone
    ({"search": "100"}, [2]),
]


def test_finds(client: FlaskClient, admin: Headers, people: list[int]) -> None:
    everybody = [1, *people]
    for query, found in FOUND:
        assert ids(client, admin, **query) == [everybody[index] for index in found], query


def test_pages_are_stable_while_users_are_added(
    app: Flask, client: FlaskClient, admin: Headers, people: list[int]
) -> None:
    seen, url = [], "/auth/users?limit=2&disabled=false"
    while url:
        response = client.get(url, headers=admin)
        body = response.get_json()
        assert body["meta"]["count"] == len(body["data"]) <= 2
        seen += [user["id"] for user in body["data"]]
        if len(seen) == 2:
            new = add_user(app, "New", "+628999999999")
        link = response.headers.get("Link", "")
        assert bool(link) == (body["meta"]["next_cursor"] is not None)
        assert not link or link.endswith('>; rel="next"')
        url = link.partition(">")[0].removeprefix("<")
    assert seen == [1, people[0], people[1], people[3], people[4], new]


def test_a_link_keeps_the_parameters(client: FlaskClient, admin: Headers, people: list[int]) -> None:
    response = client.get("/auth/users", query_string={"limit": 1, "search": "budi"}, headers=admin)
    cursor = response.get_json()["meta"]["next_cursor"]
    assert response.headers["Link"] == f'</auth/users?limit=1&search=budi&cursor={cursor}>; rel="next"'


def test_a_full_last_page_has_no_next(client: FlaskClient, admin: Headers, people: list[int]) -> None:
    response = client.get("/auth/users?limit=6", headers=admin)
    assert response.get_json()["meta"] == {"count": 6, "next_cursor": None}
    assert "Link" not in response.headers


def test_beyond_the_last_user_there_is_an_empty_page(client: FlaskClient, admin: Headers) -> None:
    assert ids(client, admin, cursor=encode_cursor("users", MAX_ID)) == []


WRONG = [
    ("limit=0", "limit"),
    ("limit=101", "limit"),
    ("limit=-1", "limit"),
    ("limit=1e1", "limit"),
    ("limit=%D9%A1", "limit"),  # an Arabic digit
    ("limit=", "limit"),
    ("limit=1&limit=2", "limit"),
    ("limit=" + "9" * 5_000, "limit"),
    ("cursor=", "cursor"),
    ("cursor=dXNlcnM6MQ==", "cursor"),  # padding, which is never sent
    ("cursor=" + "A" * 10_000, "cursor"),
    ("cursor=AAAA", "cursor"),
    ("cursor=_____w", "cursor"),  # no UTF-8
    ("cursor=A", "cursor"),  # no base64
    (f"cursor={encode_cursor('audit', 1)}", "cursor"),
    (f"cursor={encode_cursor('users', 0)}", "cursor"),
    (f"cursor={encode_cursor('users', -1)}", "cursor"),
    (f"cursor={encode_cursor('users', MAX_ID + 1)}", "cursor"),
    (f"cursor={encode_cursor('users', 10**40)}", "cursor"),
    ("search=", "search"),
    ("search=+", "search"),
    ("search=a%00b", "search"),
    ("search=%E2%80%8B", "search"),
    ("search=" + "x" * 10_240, "search"),
    ("role=root", "role"),
    ("role=", "role"),
    ("disabled=1", "disabled"),
    ("disabled=True", "disabled"),
    ("serach=siti", "serach"),
    ("%00=1", "\0"),
    ("password_hash=x", "password_hash"),
    ("&".join(f"p{number}=1" for number in range(1_000)), "query string"),
]


def test_a_wrong_parameter_is_named(client: FlaskClient, admin: Headers) -> None:
    for query, field in WRONG:
        response = client.get(f"/auth/users?{query}", headers=admin)
        body = response.get_json()
        assert response.status_code == body["status"] == 422, query[:40]
        assert [error["field"] for error in body["errors"]] == [field]
        assert all(error["msg"] for error in body["errors"])
        assert len(response.get_data()) < 1_000


def test_an_unknown_parameter_is_told_which_there_are(client: FlaskClient, admin: Headers) -> None:
    errors = client.get("/auth/users?serach=siti&limit=x", headers=admin).get_json()["errors"]
    messages = {error["field"]: error["msg"] for error in errors}
    assert messages["serach"].endswith("known are limit, cursor, search, role, disabled")
    assert messages["limit"] == "must be a whole number from 1 to 100"


UNKNOWN = ["0", "-1", "99", "x", "1.0", "01", "%D9%A1", str(MAX_ID), str(MAX_ID + 1), "9" * 5_000, "1%00", "%20"]


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_an_unknown_user_is_404(client: FlaskClient, admin: Headers, method: str) -> None:
    for user_id in UNKNOWN:
        response = client.open(f"/auth/users/{user_id}", method=method, json={"role": "user"}, headers=admin)
        assert response.status_code == response.get_json()["status"] == 404, user_id[:40]
        assert response.get_json()["msg"] == "no user has this id"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/auth/users"), ("GET", "/auth/users/1"), ("PATCH", "/auth/users/1"), ("GET", "/auth/audit")],
)
def test_only_admins_see_users_and_events(client: FlaskClient, login: Login, method: str, path: str) -> None:
    siti = client.post("/auth/register", json={"name": "Siti", "phone": "08123456789"}).get_json()["data"]
    without = client.open(path, method=method, json={"name": "x"})
    user = client.open(path, method=method, json={"name": "x"}, headers=login(siti["phone"], siti["password"]))
    assert (without.status_code, without.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (user.status_code, user.headers["WWW-Authenticate"]) == (403, 'Bearer error="insufficient_scope"')
    assert user.get_json()["status"] == 403
    assert ADMIN_PHONE not in without.get_data(as_text=True) + user.get_data(as_text=True)
