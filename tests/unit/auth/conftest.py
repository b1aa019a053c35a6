"""auth with a real SQLite file, migrated by the real migrations."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from efishery_auth import commands, create_app
from efishery_auth.settings import AuthSettings
from tests.keys import KeyPair

ADMIN_PHONE, ADMIN_PASSWORD = "+628111111111", "the admin's password"

Login = Callable[[str, str], dict[str, str]]


@pytest.fixture
def settings(tmp_path: Path, key_pair: KeyPair) -> AuthSettings:
    return AuthSettings(database_url=f"sqlite:///{tmp_path}/auth.db", signing_key_file=key_pair.key)


@pytest.fixture
def commands_app(settings: AuthSettings) -> Flask:
    return commands.create_app(settings)


@pytest.fixture
def app(settings: AuthSettings, commands_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setenv("AUTH_ADMIN_PASSWORD", ADMIN_PASSWORD)
    runner = commands_app.test_cli_runner(catch_exceptions=False)
    assert runner.invoke(args=["migrate"]).exit_code == 0
    assert runner.invoke(args=["create-admin", "--phone", ADMIN_PHONE]).exit_code == 0
    return create_app(settings)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def login(client: FlaskClient) -> Login:
    """Log in and answer the headers that carry the token."""

    def bearer(phone: str, password: str) -> dict[str, str]:
        response = client.post("/auth/login", json={"phone": phone, "password": password})
        assert response.status_code == 200, response.get_json()
        return {"Authorization": f"Bearer {response.get_json()['data']['access_token']}"}

    return bearer


@pytest.fixture
def admin(login: Login) -> dict[str, str]:
    return login(ADMIN_PHONE, ADMIN_PASSWORD)
