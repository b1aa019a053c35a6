"""The key that signs can change while auth runs."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from math import isnan
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jwt
import pytest
from cryptography import x509
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from efishery_auth import create_app
from efishery_auth.keys import SigningKeys
from efishery_auth.settings import AuthSettings
from efishery_auth.tokens import EXTENSION
from servicekit.key_set import read_public_key, thumbprint
from servicekit.reloaded_keys import ReloadedKeys
from tests.keys import KeyPair, write_key_pair
from tests.unit.auth.conftest import ADMIN_PASSWORD, ADMIN_PHONE

LOGIN = {"phone": ADMIN_PHONE, "password": ADMIN_PASSWORD}
REGISTRATION = {"name": "Siti", "phone": "08123456789"}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[KeyPair]:
    directory = tmp_path_factory.mktemp("pairs")
    return [write_key_pair(directory, f"key-{number}", age=timedelta(days=9 - number)) for number in range(2)]


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    directory = tmp_path / "signing"
    directory.mkdir()
    return directory


@pytest.fixture
def put(mount: Path) -> Callable[..., None]:
    """Replace the files of the mounted Secret."""

    def put(signs: KeyPair, **certificates: KeyPair) -> None:
        for path in mount.iterdir():
            path.unlink()
        shutil.copy(signs.key, mount / "tls.key")
        shutil.copy(signs.certificate, mount / "tls.crt")
        for name, pair in certificates.items():
            shutil.copy(pair.certificate, mount / f"{name}.crt")

    return put


@pytest.fixture
def app(app: Flask, settings: AuthSettings, mount: Path, put: Callable[..., None], pairs: list[KeyPair]) -> Flask:
    """Return auth, on the database that `app` of conftest has prepared, with its keys in `mount`."""
    put(pairs[0])
    return create_app(settings.model_copy(update={"signing_key_file": mount / "tls.key"}))


def kid(pair: KeyPair) -> str:
    return thumbprint(read_public_key(pair.certificate))


def reload(app: Flask) -> None:
    keys: ReloadedKeys[SigningKeys] = app.extensions[EXTENSION]
    keys.reload()


def published(client: FlaskClient) -> set[str]:
    return {key["kid"] for key in client.get("/auth/.well-known/jwks.json").get_json()["keys"]}


def log_in(client: FlaskClient) -> str:
    return str(client.post("/auth/login", json=LOGIN).get_json()["data"]["access_token"])


def claims_status(client: FlaskClient, token: str) -> int:
    return client.get("/auth/claims", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_rotation_changes_keys_without_a_restart(
    app: Flask, client: FlaskClient, put: Callable[..., None], pairs: list[KeyPair]
) -> None:
    old, new = pairs
    first = log_in(client)
    put(old, next=new)
    reload(app)
    assert published(client) == {kid(old), kid(new)}
    assert jwt.get_unverified_header(log_in(client))["kid"] == kid(old), "the next key does not sign yet"
    put(new, previous=old)
    reload(app)
    second = log_in(client)
    assert jwt.get_unverified_header(second)["kid"] == kid(new)
    assert published(client) == {kid(old), kid(new)}
    assert [claims_status(client, token) for token in (first, second)] == [200, 200]
    put(new)
    reload(app)
    assert published(client) == {kid(new)}
    assert [claims_status(client, token) for token in (first, second)] == [401, 200]


def test_a_next_key_is_accepted_before_it_signs(
    app: Flask, client: FlaskClient, put: Callable[..., None], pairs: list[KeyPair]
) -> None:
    # Another pod may sign with it some seconds earlier than this one.
    put(pairs[1])
    reload(app)
    token = log_in(client)
    put(pairs[0], next=pairs[1])
    reload(app)
    assert claims_status(client, token) == 200


def test_a_key_that_cannot_be_read_changes_nothing(
    app: Flask, client: FlaskClient, mount: Path, put: Callable[..., None], pairs: list[KeyPair]
) -> None:
    (mount / "tls.key").write_text("no key")
    reload(app)
    assert jwt.get_unverified_header(log_in(client))["kid"] == kid(pairs[0])
    put(pairs[1])
    reload(app)
    assert jwt.get_unverified_header(log_in(client))["kid"] == kid(pairs[1])


def test_a_reload_during_a_request_does_not_mix_id_and_signature(
    app: Flask, client: FlaskClient, put: Callable[..., None], pairs: list[KeyPair]
) -> None:
    keys: Any = app.extensions[EXTENSION]
    first = keys.current
    put(pairs[1], previous=pairs[0])
    reload(app)
    alternating = cycle([first, keys.current])
    with patch.object(ReloadedKeys, "current", property(lambda _self: next(alternating))):
        tokens = [log_in(client) for _ in range(4)]
    assert {jwt.get_unverified_header(token)["kid"] for token in tokens} == {kid(pair) for pair in pairs}
    assert [claims_status(client, token) for token in tokens] == [200] * 4


def test_a_registration_is_repeated_with_the_key_that_signs(
    app: Flask, client: FlaskClient, put: Callable[..., None], pairs: list[KeyPair]
) -> None:
    headers = {"Idempotency-Key": "7f2b0a52-95a5-4a55-9c3a-3f9d6c1b8e11"}
    put(pairs[1], previous=pairs[0])
    reload(app)
    first = client.post("/auth/register", json=REGISTRATION, headers=headers)
    again = client.post("/auth/register", json=REGISTRATION, headers=headers)
    assert (first.status_code, again.get_json()) == (201, first.get_json())
    # The password was derived from the key that signed then.
    put(pairs[0])
    reload(app)
    assert client.post("/auth/register", json=REGISTRATION, headers=headers).status_code == 409


def test_keys_are_reloaded_in_the_background(app: Flask) -> None:
    assert "keys" in app.extensions["servicekit"].background_tasks


def created_at() -> float:
    found = REGISTRY.get_sample_value("auth_signing_key_created_timestamp_seconds")
    assert found is not None
    return found


def test_the_age_of_the_signing_key_is_that_of_its_certificate(
    app: Flask, mount: Path, put: Callable[..., None], pairs: list[KeyPair]
) -> None:
    begins = [x509.load_pem_x509_certificate(pair.certificate.read_bytes()).not_valid_before_utc for pair in pairs]
    assert created_at() == begins[0].timestamp()
    put(pairs[1])
    reload(app)
    assert created_at() == begins[1].timestamp()


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_without_a_certificate_the_age_is_unknown_and_the_key_signs(
    app: Flask, client: FlaskClient, mount: Path, content: bytes | None
) -> None:
    (mount / "tls.crt").unlink()
    if content:
        (mount / "tls.crt").write_bytes(content)
    reload(app)
    assert isnan(created_at())
    assert claims_status(client, log_in(client)) == 200
