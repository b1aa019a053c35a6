"""Idempotency-Key: a repeated registration gets the same answer and makes no second user."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from efishery_auth.idempotency import derivation_secret, derive_password, parse_key
from efishery_auth.keys import read_signing_key
from efishery_auth.models import User
from efishery_auth.state import current_users
from tests.keys import KeyPair, write_key_pair
from tests.unit.auth.conftest import Login
from tests.unit.auth.servers import lose_commit

SITI = {"name": "Siti", "phone": "08123456789"}
KEY = "5c8f4b8e-6a0f-4a53-9f0b-0d1f3e0f8f1c"


def register(client: FlaskClient, body: dict[str, Any] = SITI, key: str = KEY) -> TestResponse:
    return client.post("/auth/register", json=body, headers={"Idempotency-Key": key})


def count_users(app: Flask) -> int:
    with app.app_context():
        query = select(func.count()).select_from(User).where(User.phone == "+628123456789")
        with current_users().database.primary.engine.connect() as connection:  # past the circuit breaker
            return connection.scalar(query) or 0


def test_a_repeated_registration_gets_the_same_answer(app: Flask, client: FlaskClient, login: Login) -> None:
    first, second = register(client), register(client)
    assert first.status_code == second.status_code == 201
    assert first.get_json() == second.get_json()
    assert count_users(app) == 1
    assert login(first.get_json()["data"]["phone"], first.get_json()["data"]["password"])


@pytest.mark.parametrize("stored", [True, False])
def test_a_registration_whose_commit_was_lost_can_be_repeated(
    app: Flask, client: FlaskClient, login: Login, stored: bool
) -> None:
    with app.app_context():
        lose_commit(current_users().database.primary.engine, stored=stored)
    refused = register(client)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert count_users(app) == stored
    deadline = time.monotonic() + 10
    while (repeated := register(client)).status_code == 503:  # until the circuit breaker lets a trial call through
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert repeated.status_code == 201
    assert count_users(app) == 1
    assert login("+628123456789", repeated.get_json()["data"]["password"])


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (SITI | {"name": "Budi"}, KEY),
        (SITI, KEY.replace("5", "6")),
    ],
)
def test_another_body_or_key_is_no_repetition(client: FlaskClient, body: dict[str, Any], key: str) -> None:
    register(client)
    assert register(client, body, key).status_code == 409


def test_without_a_key_nothing_is_repeated(client: FlaskClient) -> None:
    assert client.post("/auth/register", json=SITI).status_code == 201
    assert client.post("/auth/register", json=SITI).status_code == 409


def test_after_ten_minutes_the_password_is_not_shown_again(app: Flask, client: FlaskClient) -> None:
    register(client)
    earlier = datetime.now(UTC) - timedelta(minutes=10, seconds=1)
    with app.app_context():
        current_users().database.primary.write(lambda session: session.execute(update(User).values(created_at=earlier)))
    assert register(client).status_code == 409


@pytest.mark.parametrize("key", [KEY, f'"{KEY}"', f' "{KEY}" '])
def test_the_key_may_be_quoted(key: str) -> None:
    assert parse_key(key) == KEY


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "sixteen and spaces", '"', f'"{KEY}', "ключ-ключ-ключ-ключ"])
def test_a_wrong_key_is_named(client: FlaskClient, key: str) -> None:
    response = client.post("/auth/register", json=SITI, headers={"Idempotency-Key": key.encode().decode("latin-1")})
    assert response.status_code == 422
    assert response.get_json()["errors"][0]["field"] == "Idempotency-Key"


def test_only_the_signing_key_can_derive_the_password(key_pair: KeyPair, tmp_path: Path) -> None:
    pairs = (key_pair, write_key_pair(tmp_path))
    one, other = (derivation_secret(read_signing_key(pair.key)) for pair in pairs)
    fields = {"name": "Siti", "phone": "+628123456789", "role": "user"}
    assert derive_password(one, KEY, **fields) == derive_password(one, KEY, **fields)
    assert derive_password(one, KEY, **fields) != derive_password(other, KEY, **fields)
    assert len(derive_password(one, KEY, **fields)) == 20
