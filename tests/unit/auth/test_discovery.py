"""GET /auth/.well-known/openid-configuration."""

import jwt
import pytest
from flask.testing import FlaskClient

from efishery_auth import create_app
from efishery_auth.settings import AuthSettings
from efishery_auth.views.discovery import PATH
from tests.unit.auth.conftest import ADMIN_PASSWORD, ADMIN_PHONE, Login

JWKS_PATH = "/auth/.well-known/jwks.json"


def test_a_client_finds_the_keys_and_verifies_a_token(client: FlaskClient, login: Login) -> None:
    found = client.get(PATH).get_json()
    assert found["jwks_uri"] == f"http://localhost{JWKS_PATH}"
    token = login(ADMIN_PHONE, ADMIN_PASSWORD)["Authorization"].removeprefix("Bearer ")
    keys = jwt.PyJWKSet.from_dict(client.get(found["jwks_uri"]).get_json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    algorithms = found["id_token_signing_alg_values_supported"]
    assert jwt.decode(token, key, algorithms, audience="efishery", issuer=found["issuer"])["role"] == "admin"


def test_it_has_the_required_members_and_no_endpoint_that_does_not_exist(client: FlaskClient) -> None:
    assert client.get(PATH).get_json().keys() == {
        "issuer",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    }
    assert client.head(PATH).status_code == 200
    assert client.post(PATH).status_code == 405


def test_the_clients_scheme_and_host_are_answered_and_never_stored(client: FlaskClient) -> None:
    response = client.get(PATH, headers={"Host": "api.example.org:8443", "X-Forwarded-Proto": "https"})
    assert response.get_json()["jwks_uri"] == f"https://api.example.org:8443{JWKS_PATH}"
    assert response.headers["Cache-Control"] == "no-store"
    for other in ("javascript", "https,http", ""):
        answer = client.get(PATH, headers={"X-Forwarded-Proto": other}).get_json()
        assert answer["jwks_uri"] == f"http://localhost{JWKS_PATH}"
    forwarded = client.get(PATH, headers={"X-Forwarded-Host": "evil.example"}).get_json()
    assert forwarded["jwks_uri"] == f"http://localhost{JWKS_PATH}"


@pytest.mark.parametrize(
    "host",
    ["evil.example/x", "a@evil.example", 'a"b', "a b", "a#b", "a:b", "a:99999999", "x" * 300, "[::1", "a\\b", "é"],
)
def test_what_is_no_host_is_refused(client: FlaskClient, host: str) -> None:
    response = client.get(PATH, environ_overrides={"HTTP_HOST": host})
    assert response.status_code == response.get_json()["status"] == 400


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "A-b.example"])
def test_what_is_a_host_is_taken(client: FlaskClient, host: str) -> None:
    answer = client.get(PATH, environ_overrides={"HTTP_HOST": host}).get_json()
    assert answer["jwks_uri"] == f"http://{host}{JWKS_PATH}"


def test_with_a_public_url_the_host_of_a_request_does_not_count(settings: AuthSettings) -> None:
    app = create_app(settings.model_copy(update={"public_url": "https://api.example.org"}))
    response = app.test_client().get(PATH, headers={"Host": "evil.example"})
    assert response.get_json()["jwks_uri"] == f"https://api.example.org{JWKS_PATH}"
    assert response.headers["Cache-Control"] == "public, max-age=300"
