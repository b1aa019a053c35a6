"""Bearer tokens (RFC 6750): RS256 JWTs (RFC 7519), verified with the public key that `kid` identifies."""

import json
from collections.abc import Callable, Iterable
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from flask import Flask, Response, current_app, request
from flask_jwt_extended import JWTManager, get_jwt, verify_jwt_in_request
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode
from pydantic import AfterValidator, DirectoryPath

from servicekit.errors import Forbidden, Unauthorized, answer
from servicekit.revocations import init_revocations
from servicekit.verified_tokens import VerifiedTokens

P = ParamSpec("P")
R = TypeVar("R")
ALGORITHM = "RS256"
TOKEN_TYPE = "at+jwt"  # noqa: S105 -- the header `typ` of access tokens (RFC 9068, section 2.1)
ACCEPTED_TYPES = frozenset({TOKEN_TYPE, "application/at+jwt", "jwt"})  # `JWT`: tokens of releases before 0.2
VERIFIED_TOKENS = "servicekit.verified_tokens"


def thumbprint(key: RSAPublicKey) -> str:
    """Return the JWK thumbprint of a key with SHA-256 (RFC 7638). It serves as `kid` and needs no configuration."""
    jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    canonical = json.dumps({name: jwk[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    return base64url_encode(sha256(canonical.encode()).digest()).decode()


def read_public_key(path: Path) -> RSAPublicKey:
    """Read an RSA public key from a PEM file: a certificate or a public key. Raises ValueError naming the file."""
    pem = path.read_bytes()
    try:
        key: object
        if b"BEGIN CERTIFICATE" in pem:
            key = x509.load_pem_x509_certificate(pem).public_key()
        else:
            key = load_pem_public_key(pem)
    except ValueError as error:
        raise ValueError(f"{path}: contains no certificate or public key in PEM: {error}") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError(f"{path}: {ALGORITHM} needs an RSA key, not {type(key).__name__}")  # noqa: TRY004 -- the file's content is wrong, not a type
    return key


class KeySet:
    """The public keys that verify accepted tokens."""

    def __init__(self, keys: Iterable[RSAPublicKey]) -> None:
        self._keys = {thumbprint(key): key for key in keys}

    @classmethod
    def from_directory(cls, directory: Path) -> "KeySet":
        """Read each *.crt and *.pem in `directory`. Raises ValueError if there is none or one is not a key."""
        paths = sorted(path for path in directory.glob("*") if path.suffix in (".crt", ".pem"))
        if not paths:
            raise ValueError(f"{directory}: contains no *.crt or *.pem, so no token could be verified")
        return cls(read_public_key(path) for path in paths)

    def with_key(self, key: RSAPublicKey) -> "KeySet":
        """Return a set with `key` in addition."""
        return KeySet([key, *self._keys.values()])

    def find(self, kid: object) -> RSAPublicKey:
        """Return the key with this `kid`. Raises Unauthorized if the set does not contain it."""
        if not isinstance(kid, str) or kid not in self._keys:
            raise Unauthorized("the token is signed with an unknown key; log in again")
        return self._keys[kid]

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the set as a JWK Set (RFC 7517, section 5)."""
        return {
            "keys": [
                {"use": "sig", "alg": ALGORITHM, "kid": kid, "kty": jwk["kty"], "n": jwk["n"], "e": jwk["e"]}
                for kid, key in self._keys.items()
                for jwk in [RSAAlgorithm.to_jwk(key, as_dict=True)]
            ]
        }


def _check_keys(directory: Path) -> Path:
    KeySet.from_directory(directory)
    return directory


# A settings type that reads the directory at startup, so that an error about a key names the variable.
KeysDirectory = Annotated[DirectoryPath, AfterValidator(_check_keys)]


def init_tokens(app: Flask, keys: KeySet, issuer: str, audience: str) -> JWTManager:
    """Configure flask-jwt-extended to verify tokens with `keys` and to return errors as envelopes.

    `@require_token` and `@require_role` then protect views. Tokens must have this issuer and audience (RFC 8725,
    sections 3.8 and 3.9), the algorithm RS256 and the type of access tokens (section 3.11).
    """
    app.config.update(
        JWT_ALGORITHM=ALGORITHM,
        JWT_DECODE_ALGORITHMS=[ALGORITHM],
        JWT_DECODE_ISSUER=issuer,
        JWT_DECODE_AUDIENCE=audience,
        JWT_DECODE_LEEWAY=5,  # seconds of clock skew
        JWT_TOKEN_LOCATION=["headers"],
    )
    manager = JWTManager(app)
    app.extensions[VERIFIED_TOKENS] = VerifiedTokens(init_revocations(app, manager).revokes)

    @manager.decode_key_loader
    def key_of(header: dict[str, Any], _payload: dict[str, Any]) -> RSAPublicKey:
        if str(header.get("typ")).lower() not in ACCEPTED_TYPES:
            raise Unauthorized("the token is not an access token; log in again")
        return keys.find(header.get("kid"))

    # RFC 7519 does not require `exp`, and a token without it would never expire.
    manager.token_verification_loader(lambda _header, payload: "exp" in payload)
    _register_error_responses(manager)
    return manager


def _register_error_responses(manager: JWTManager) -> None:
    @manager.unauthorized_loader
    def missing(_reason: str) -> Response:
        return answer(Unauthorized("no token: send the header Authorization: Bearer <access_token>"))

    @manager.invalid_token_loader
    def invalid(reason: str) -> Response:
        return answer(Unauthorized(f"the token is not valid ({reason}); log in again"))

    @manager.token_verification_failed_loader
    def never_expires(_header: dict[str, Any], _payload: dict[str, Any]) -> Response:
        return answer(Unauthorized("the token has no expiry; log in again"))

    @manager.expired_token_loader
    def expired(_header: dict[str, Any], _payload: dict[str, Any]) -> Response:
        return answer(Unauthorized("the token has expired; log in again"))


def verified_tokens(app: Flask) -> VerifiedTokens:
    """Return the tokens that `app` has verified, for code that answers requests before Flask does."""
    tokens: VerifiedTokens = app.extensions[VERIFIED_TOKENS]
    return tokens


def current_claims() -> dict[str, Any]:
    """Return the claims of the request's verified token; only in a view that requires one."""
    claims: dict[str, Any] = get_jwt()
    return claims


def require_token(view: Callable[P, R]) -> Callable[P, R]:
    """Protect a view: 401 without a valid token."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        verify_jwt_in_request()
        verified_tokens(current_app).remember(request.headers["Authorization"], get_jwt())
        return view(*args, **kwargs)

    return guarded


def require_role(role: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Protect a view: 401 without a valid token, 403 if its `role` claim differs."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        @require_token
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            check_role(role)
            return view(*args, **kwargs)

        return guarded

    return decorate


def check_role(role: str) -> None:
    """Raise Forbidden unless the request's token has this role."""
    if current_claims().get("role") != role:
        raise Forbidden(f"only for the role {role}; log in as one")
