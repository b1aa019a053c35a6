"""The claims endpoint, at the path that the service gives."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from servicekit.app import build_app
from servicekit.claims import claims_blueprint
from servicekit.key_set import KeySet, read_public_key
from servicekit.settings import ServiceSettings
from servicekit.tokens import init_tokens
from tests.keys import KeyPair, write_key_pair
from tests.unit.fetch.support import bearer

PATH = "/any/claims"


@pytest.fixture
def client(key_pair: KeyPair) -> FlaskClient:
    app = build_app(__name__, ServiceSettings())
    init_tokens(app, KeySet([read_public_key(key_pair.certificate)]), "efishery-auth", "efishery")
    app.register_blueprint(claims_blueprint(PATH))
    return app.test_client()


def test_answers_the_claims_of_the_token(client: FlaskClient, key_pair: KeyPair) -> None:
    claims = client.get(PATH, headers=bearer(key_pair, "user")).get_json()["data"]
    assert {name: claims[name] for name in ("sub", "name", "phone", "role", "timestamp")} == {
        "sub": "7",
        "name": "Siti",
        "phone": "+6281234567890",
        "role": "user",
        "timestamp": "2022-05-01T03:00:00Z",
    }


def test_refuses_a_token_of_another_key(client: FlaskClient, tmp_path: Path) -> None:
    other = write_key_pair(tmp_path)
    assert client.get(PATH, headers=bearer(other, "admin")).status_code == 401


def test_needs_a_token(client: FlaskClient) -> None:
    assert client.get(PATH).status_code == 401
