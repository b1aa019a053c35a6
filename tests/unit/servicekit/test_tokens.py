import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import Flask, Response
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token

from servicekit.app import build_app
from servicekit.envelope import success
from servicekit.key_set import KeySet, thumbprint
from servicekit.settings import ServiceSettings
from servicekit.tokens import FindsKeys, current_claims, init_tokens, require_role, require_token
from tests.keys import KeyPair, write_key_pair

ISSUER, AUDIENCE = "issuer", "audience"


def build(keys: FindsKeys) -> Flask:
    app = build_app(__name__, ServiceSettings())
    init_tokens(app, keys, ISSUER, AUDIENCE)

    @app.get("/any")
    @require_token
    def any_role() -> Response:
        return success(current_claims())

    @app.get("/admin")
    @require_role("admin")
    def admin() -> Response:
        return success()

    return app


@pytest.fixture
def app(key_pair: KeyPair) -> Flask:
    return build(KeySet.from_directory(key_pair.certificate.parent))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def sign(pair: KeyPair, *, kid: str | None = None, algorithm: str = "RS256", **changes: Any) -> str:
    """Sign a token with PyJWT and the claims that flask-jwt-extended sets; `changes` overrides claims."""
    key: Any = load_pem_private_key(pair.key.read_bytes(), password=None)
    kid = kid or thumbprint(key.public_key())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "1",
        "jti": "j",
        "type": "access",
        "exp": 4102444800,
        "role": "user",
    }
    claims |= changes
    if algorithm.startswith("HS"):
        key = "a secret that is long enough for any hash" * 2
    if algorithm == "none":
        key = None
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm, headers={"kid": kid})


def get(client: FlaskClient, path: str, token: str) -> Any:
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


def test_a_valid_token_is_accepted(client: FlaskClient, key_pair: KeyPair) -> None:
    response = get(client, "/any", sign(key_pair))
    assert response.status_code == 200
    assert response.get_json()["data"]["sub"] == "1"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"aud": "another"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        pytest.param({"exp": int(time.time()) - 10}, id="expired 10 s ago"),
        {"type": "refresh"},
        {"kid": "unknown"},
        {"algorithm": "HS256"},
        {"algorithm": "none"},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_or_header_is_refused(
    client: FlaskClient, key_pair: KeyPair, changes: dict[str, Any]
) -> None:
    response = get(client, "/any", sign(key_pair, **changes))
    body = response.get_json()
    assert response.status_code == body["status"] == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_of_another_key_is_refused(client: FlaskClient, key_pair: KeyPair, tmp_path: Path) -> None:
    ours = thumbprint(next(iter(KeySet.from_directory(key_pair.certificate.parent)._keys.values())))
    stranger = write_key_pair(tmp_path)
    assert get(client, "/any", sign(stranger)).status_code == 401
    assert get(client, "/any", sign(stranger, kid=ours)).status_code == 401


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x y", "Basic eDp4", "Bearer not.a.token"])
def test_a_request_without_a_usable_token_gets_401(client: FlaskClient, header: str | None) -> None:
    response = client.get("/any", headers={"Authorization": header} if header is not None else {})
    assert response.status_code == response.get_json()["status"] == 401


def test_require_role_checks_the_role(client: FlaskClient, key_pair: KeyPair) -> None:
    assert get(client, "/admin", sign(key_pair, role="admin")).status_code == 200
    assert get(client, "/admin", sign(key_pair, role="user")).status_code == 403
    assert get(client, "/admin", sign(key_pair, role=None)).status_code == 403
    assert client.get("/admin").status_code == 401


def test_tokens_of_previous_keys_are_accepted(key_pair: KeyPair, tmp_path: Path) -> None:
    previous, current = write_key_pair(tmp_path, "previous"), write_key_pair(tmp_path, "current")
    client = build(KeySet.from_directory(tmp_path)).test_client()
    assert get(client, "/any", sign(previous)).status_code == 200
    assert get(client, "/any", sign(current)).status_code == 200
    assert get(client, "/any", sign(key_pair)).status_code == 401


def test_jwks_is_a_valid_jwk_set(key_pair: KeyPair) -> None:
    keys = KeySet.from_directory(key_pair.certificate.parent)
    document = keys.jwks()
    assert {"use": "sig", "alg": "RS256", "kty": "RSA"}.items() <= document["keys"][0].items()
    verifier = jwt.PyJWKSet.from_dict(document)
    token = sign(key_pair)
    key = verifier[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, ["RS256"], audience=AUDIENCE)["sub"] == "1"


def test_the_thumbprint_matches_the_example_of_rfc_7638() -> None:
    # The example of RFC 7638, section 3.1.
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn"
        "jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6q"
        "MQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awap"
        "JzKnqDKgw"
    )
    key: Any = jwt.PyJWK({"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256"}).key
    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_directory_without_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"contains no \*\.crt or \*\.pem"):
        KeySet.from_directory(tmp_path)


def test_an_invalid_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.pem").write_text("no key")
    with pytest.raises(ValueError, match=r"broken\.pem"):
        KeySet.from_directory(tmp_path)


def test_a_token_signed_by_flask_jwt_extended_is_accepted(app: Flask, key_pair: KeyPair) -> None:
    key: Any = load_pem_private_key(key_pair.key.read_bytes(), password=None)
    app.config.update(JWT_PRIVATE_KEY=key, JWT_ENCODE_ISSUER=ISSUER, JWT_ENCODE_AUDIENCE=AUDIENCE)
    with app.app_context():
        token = create_access_token(
            "7", expires_delta=timedelta(minutes=1), additional_headers={"kid": thumbprint(key.public_key())}
        )
    assert get(app.test_client(), "/any", token).get_json()["data"]["sub"] == "7"
