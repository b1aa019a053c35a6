from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.unit.auth.conftest import Login

SITI = {"name": "Siti", "phone": "0812 345-6789"}


def test_answers_the_user_with_a_generated_password(client: FlaskClient, login: Login) -> None:
    response = client.post("/auth/register", json=SITI)
    user = response.get_json()["data"]
    assert response.status_code == 201
    assert {"name": "Siti", "phone": "+628123456789", "role": "user"}.items() <= user.items()
    assert len(user["password"]) == 20
    assert response.headers["Cache-Control"] == "no-store"
    assert login(user["phone"], user["password"])


def test_passwords_differ(client: FlaskClient) -> None:
    one = client.post("/auth/register", json=SITI).get_json()["data"]
    two = client.post("/auth/register", json=SITI | {"phone": "08999999999"}).get_json()["data"]
    assert one["password"] != two["password"]


@pytest.mark.parametrize("spelling", ["0812 345-6789", "+62 812-345-6789", "+628123456789"])
def test_a_phone_is_taken_however_it_is_written(client: FlaskClient, spelling: str) -> None:
    assert client.post("/auth/register", json=SITI).status_code == 201
    response = client.post("/auth/register", json=SITI | {"phone": spelling})
    assert response.status_code == response.get_json()["status"] == 409


def test_of_many_at_once_one_gets_the_phone(app: Flask) -> None:
    def register(_number: int) -> int:
        return app.test_client().post("/auth/register", json=SITI).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(register, range(8)))
    assert statuses == [201] + [409] * 7


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone": "12"}, "phone"),
        ({"phone": "+62812345678901234"}, "phone"),
        ({"phone": "phone"}, "phone"),
        ({"phone": None}, "phone"),
        ({"phone": 812345678}, "phone"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"role": "root"}, "role"),
        ({"rol": "user"}, "rol"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named(client: FlaskClient, change: dict[str, Any], field: str) -> None:
    response = client.post("/auth/register", json=SITI | change)
    body = response.get_json()
    assert response.status_code == body["status"] == 422
    assert [error["field"] for error in body["errors"]] == [field]
    assert all(error["msg"] for error in body["errors"])


def test_missing_fields_are_all_named(client: FlaskClient) -> None:
    body = client.post("/auth/register", json={}).get_json()
    assert [error["field"] for error in body["errors"]] == ["name", "phone"]


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ("null", "application/json", 400),
        (b'{"name": "\xe9"}', "application/json", 400),
        ("[" * 16_000, "application/json", 400),
        ('{"name": ' + "9" * 5_000 + "}", "application/json", 400),
        ('{"name": -' + "9" * 16_000 + "}", "application/json", 400),
        ("{" + '"a": {' * 2_500, "application/json", 400),
        ('{"name": "Siti", "phone": "\\ud800"}', "application/json", 400),
        ('{"name": "a\0b"}', "application/json", 400),
        ("\ufeff{}", "application/json", 400),
        ('{"name": "Siti"}'.encode("utf-16"), "application/json", 400),
        ('{"name": "Siti"} {}', "application/json", 400),
        ("x" * 16_384, "application/json", 400),
        ("x" * 16_385, "application/json", 413),
        ("", "application/json", 400),
        ("name=Siti", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_that_is_no_json_object(client: FlaskClient, body: str | bytes, content_type: str, status: int) -> None:
    response = client.post("/auth/register", data=body, content_type=content_type)
    assert response.status_code == response.get_json()["status"] == status


@pytest.mark.parametrize(
    "value", ["NaN", "-Infinity", "1e400", "-0", "9" * 400, "[[[]]]", '{"a": {}}', '"\\u0000"', "true"], ids=str
)
def test_a_value_that_is_no_text_is_a_wrong_field(client: FlaskClient, value: str) -> None:
    body = f'{{"name": {value}, "phone": "08123456789"}}'
    response = client.post("/auth/register", data=body, content_type="application/json")
    assert response.status_code == 422
    assert [error["field"] for error in response.get_json()["errors"]] == ["name"]


def test_of_a_field_given_twice_the_last_counts(client: FlaskClient) -> None:
    body = '{"name": "Siti", "phone": "x", "phone": "08123456789"}'
    response = client.post("/auth/register", data=body, content_type="application/json")
    assert response.status_code == 201


def test_broken_json_is_told_with_its_place(client: FlaskClient) -> None:
    response = client.post("/auth/register", data='{"name": bad}', content_type="application/json")
    assert "line 1 column 10" in response.get_json()["msg"]


def test_nobody_makes_themselves_an_admin(client: FlaskClient, login: Login) -> None:
    wanted = SITI | {"role": "admin"}
    assert client.post("/auth/register", json=wanted).status_code == 403
    user = client.post("/auth/register", json=SITI).get_json()["data"]
    headers = login(user["phone"], user["password"])
    response = client.post("/auth/register", json=wanted | {"phone": "08999999999"}, headers=headers)
    assert response.status_code == response.get_json()["status"] == 403


def test_an_admin_registers_an_admin(client: FlaskClient, admin: dict[str, str]) -> None:
    response = client.post("/auth/register", json=SITI | {"role": "admin"}, headers=admin)
    assert response.status_code == 201
    assert response.get_json()["data"]["role"] == "admin"


def test_a_broken_token_is_not_taken_for_none(client: FlaskClient) -> None:
    response = client.post("/auth/register", json=SITI, headers={"Authorization": "Bearer x.y.z"})
    assert response.status_code == response.get_json()["status"] == 401
