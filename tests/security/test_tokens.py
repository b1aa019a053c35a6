"""No attack on tokens gets past auth or fetch, neither through Flask nor through the cached routes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fakeredis import FakeRedis
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer

from efishery_auth import create_app as create_auth
from efishery_auth.settings import AuthSettings
from efishery_fetch.settings import FetchSettings
from servicekit.key_set import read_public_key, thumbprint
from tests.keys import KeyPair
from tests.security.attacks import ATTACKS, Attack, Material
from tests.unit.fetch.support import refreshing_client, upstream_row

PATHS = ["/auth/claims", "/fetch/claims", "/fetch/resource"]


@pytest.fixture(scope="module")
def material(key_pair: KeyPair) -> Material:
    key = load_pem_private_key(key_pair.key.read_bytes(), password=None)
    assert isinstance(key, RSAPrivateKey)
    now = datetime.now(UTC)
    claims = {
        "iss": "efishery-auth",
        "aud": "efishery",
        "sub": "7",
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=30)).timestamp()),
        "jti": "a-test",
        "type": "access",
        "name": "Siti",
        "phone": "+6281234567890",
        "role": "user",
        "timestamp": "2022-05-01T03:00:00Z",
    }
    kid = thumbprint(read_public_key(key_pair.certificate))
    return Material(key, kid, key_pair.certificate.read_bytes(), claims)


@pytest.fixture(scope="module")
def upstream() -> Iterator[HTTPServer]:
    """A server of this module's own: tests stop and clear the one that they share."""
    with HTTPServer() as server:
        server.expect_request("/commodities").respond_with_json([upstream_row()])
        yield server


@pytest.fixture(scope="module")
def clients(key_pair: KeyPair, upstream: HTTPServer) -> dict[str, FlaskClient]:
    """Return a client of each service."""
    auth = AuthSettings(database_url="sqlite://", signing_key_file=key_pair.key)
    fetch = {
        "list_url": upstream.url_for("/commodities"),
        "redis_url": "redis://fetch@redis:6379/0",
        "verification_keys_dir": key_pair.certificate.parent,
    }
    return {
        "auth": create_auth(auth).test_client(),
        "fetch": refreshing_client(FetchSettings.model_validate(fetch), FakeRedis()),
    }


def status(clients: dict[str, FlaskClient], path: str, token: str) -> int:
    """Return the status of GET `path` with the token."""
    answer = clients[path.split("/")[1]].get(path, headers={"Authorization": f"Bearer {token}"})
    if answer.status_code == 401:
        assert answer.get_json()["status"] == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    return answer.status_code


@pytest.mark.parametrize("path", PATHS)
def test_the_token_that_attacks_start_from_is_accepted(
    clients: dict[str, FlaskClient], material: Material, path: str
) -> None:
    assert status(clients, path, material.valid()) == 200


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_no_service_accepts_it(clients: dict[str, FlaskClient], material: Material, attack: Attack) -> None:
    token = attack.make(material)
    # A valid token first, so that the cache of verified tokens is not empty.
    assert [status(clients, path, material.valid()) for path in PATHS] == [200] * 3
    assert [status(clients, path, token) for path in PATHS * 2] == [401] * 6


def test_there_are_forty_attacks_or_more() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 40
