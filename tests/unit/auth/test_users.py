"""Registration and login where primary and replicas differ, or are unavailable."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from efishery_auth import commands, create_app
from efishery_auth.settings import AuthSettings, DatabaseSettings
from tests.unit.auth.conftest import ADMIN_PASSWORD, ADMIN_PHONE

NOWHERE = "mysql+pymysql://nobody@127.0.0.1:1/none"
SITI = {"name": "Siti", "phone": "08123456789"}


@pytest.fixture
def lagging(app: Flask, settings: AuthSettings, tmp_path: Path) -> FlaskClient:
    """Return a client of auth whose replica has the tables, and none of the users."""
    url = f"sqlite:///{tmp_path}/replica.db"
    assert commands_of(url).invoke(args=["migrate"]).exit_code == 0
    return create_app(settings.model_copy(update={"database_read_url": url})).test_client()


@pytest.fixture
def without_primary(app: Flask, settings: AuthSettings) -> FlaskClient:
    """Return a client of auth whose replica has all users, and whose primary is unavailable."""
    urls = {"database_url": NOWHERE, "database_read_url": settings.database_url}
    return create_app(settings.model_copy(update=urls)).test_client()


def commands_of(url: str) -> FlaskCliRunner:
    return commands.create_app(DatabaseSettings(database_url=url)).test_cli_runner()


def test_a_new_user_can_log_in_before_replicas_have_it(lagging: FlaskClient) -> None:
    user = lagging.post("/auth/register", json=SITI).get_json()["data"]
    response = lagging.post("/auth/login", json={"phone": user["phone"], "password": user["password"]})
    assert response.status_code == 200


def test_a_new_password_is_right_before_replicas_have_it(lagging: FlaskClient, tmp_path: Path) -> None:
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


def test_a_right_password_needs_no_primary(without_primary: FlaskClient) -> None:
    response = without_primary.post("/auth/login", json={"phone": ADMIN_PHONE, "password": ADMIN_PASSWORD})
    assert response.status_code == 200


def test_without_a_primary_no_password_is_called_wrong(without_primary: FlaskClient) -> None:
    wrong = without_primary.post("/auth/login", json={"phone": ADMIN_PHONE, "password": "wrong"})
    unknown = without_primary.post("/auth/login", json={"phone": "+628999999999", "password": "wrong"})
    assert wrong.status_code == wrong.get_json()["status"] == 503
    assert wrong.headers["Retry-After"] == unknown.headers["Retry-After"] == "2"
    assert (wrong.status_code, wrong.get_json()) == (unknown.status_code, unknown.get_json())


def test_writes_without_a_primary_are_503_with_retry_after(without_primary: FlaskClient) -> None:
    response = without_primary.post("/auth/register", json=SITI)
    assert response.status_code == response.get_json()["status"] == 503
    assert response.headers["Retry-After"] == "2"
    assert "127.0.0.1" not in response.get_data(as_text=True), "clients never see a database error"
