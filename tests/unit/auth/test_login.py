import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from efishery_auth import create_app
from efishery_auth.database import Endpoint
from efishery_auth.passwords import HashPool, HashQueueFull
from efishery_auth.settings import AuthSettings
from tests.unit.auth.conftest import ADMIN_PASSWORD, ADMIN_PHONE


def test_answers_a_token_signed_by_a_published_key(client: FlaskClient) -> None:
    response = client.post("/auth/login", json={"phone": ADMIN_PHONE, "password": ADMIN_PASSWORD})
    data = response.get_json()["data"]
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert {"token_type": "Bearer", "expires_in": 900}.items() <= data.items()
    token = data["access_token"]
    keys = jwt.PyJWKSet.from_dict(client.get("/auth/.well-known/jwks.json").get_json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, ["RS256"], audience="efishery", issuer="efishery-auth")
    assert {"sub": "1", "phone": ADMIN_PHONE, "role": "admin", "name": "Administrator"}.items() <= claims.items()
    assert claims["exp"] - claims["iat"] == 900
    assert {"jti", "timestamp"} <= claims.keys()
    assert "csrf" not in claims


def test_the_phone_may_be_written_as_people_do(client: FlaskClient) -> None:
    response = client.post("/auth/login", json={"phone": "0811 111-1111", "password": ADMIN_PASSWORD})
    assert response.status_code == 200


def test_unknown_phone_and_wrong_password_are_answered_alike(client: FlaskClient) -> None:
    wrong = client.post("/auth/login", json={"phone": ADMIN_PHONE, "password": "wrong"})
    unknown = client.post("/auth/login", json={"phone": "+628999999999", "password": "wrong"})
    assert wrong.status_code == wrong.get_json()["status"] == 401
    assert (wrong.status_code, wrong.get_json()) == (unknown.status_code, unknown.get_json())


def test_an_unknown_phone_costs_as_much_as_a_wrong_password(client: FlaskClient) -> None:
    def hashes(phone: str) -> float:
        before = verified()
        assert client.post("/auth/login", json={"phone": phone, "password": "wrong"}).status_code == 401
        return verified() - before

    assert hashes("+628999999999") == hashes(ADMIN_PHONE) == 1


def verified() -> float:
    name = "auth_password_hash_duration_seconds_count"
    return REGISTRY.get_sample_value(name, {"operation": "verify"}) or 0


def test_a_password_without_bound_is_refused(client: FlaskClient) -> None:
    response = client.post("/auth/login", json={"phone": ADMIN_PHONE, "password": "x" * 129})
    assert response.status_code == 422


@pytest.mark.parametrize("missing", ["phone", "password"])
def test_a_missing_field_is_named(client: FlaskClient, missing: str) -> None:
    form = {"phone": ADMIN_PHONE, "password": "x"}
    del form[missing]
    response = client.post("/auth/login", json=form)
    assert response.status_code == 422
    assert [error["field"] for error in response.get_json()["errors"]] == [missing]


def test_a_full_hash_queue_is_answered_503(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bool:
        raise HashQueueFull

    monkeypatch.setattr(HashPool, "verify", refuse)
    response = client.post("/auth/login", json={"phone": ADMIN_PHONE, "password": "x"})
    assert response.status_code == response.get_json()["status"] == 503
    assert response.headers["Retry-After"] == "1"


def test_a_full_hash_queue_is_told_before_the_database_is_asked(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise HashQueueFull

    reads: list[object] = []
    monkeypatch.setattr(HashPool, "raise_if_full", refuse)
    monkeypatch.setattr(Endpoint, "read", reads.append)
    assert client.post("/auth/login", json={"phone": ADMIN_PHONE, "password": "x"}).status_code == 503
    assert reads == []


def test_logs_hold_neither_password_nor_whole_phone(
    app: Flask, settings: AuthSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    client = create_app(settings).test_client()  # logs go to the stdout of when it is made
    client.post("/auth/login", json={"phone": ADMIN_PHONE, "password": "hunter2-wrong"})
    client.post("/auth/login", json={"phone": ADMIN_PHONE, "password": ADMIN_PASSWORD})
    written = capsys.readouterr().out
    assert "login_failed" in written
    assert "hunter2-wrong" not in written
    assert ADMIN_PASSWORD not in written
    assert ADMIN_PHONE not in written
