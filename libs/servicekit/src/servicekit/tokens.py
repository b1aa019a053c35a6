"""Bearer tokens (RFC 6750): RS256 JWTs (RFC 7519), verified with the public key that `kid` identifies."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from flask import Flask, Response, current_app, request
from flask_jwt_extended import JWTManager, get_jwt, verify_jwt_in_request

from servicekit.errors import Forbidden, InvalidToken, Unauthorized, answer
from servicekit.key_set import ALGORITHM
from servicekit.revocations import init_revocations
from servicekit.verified_tokens import VerifiedTokens

P = ParamSpec("P")
R = TypeVar("R")
TOKEN_TYPE = "at+jwt"  # noqa: S105 -- the header `typ` of access tokens (RFC 9068, section 2.1)
ACCEPTED_TYPES = frozenset({TOKEN_TYPE, "application/at+jwt", "jwt"})  # `JWT`: tokens of releases before 0.2
VERIFIED_TOKENS = "servicekit.verified_tokens"
LEEWAY_SECONDS = 5  # of clock skew


class FindsKeys(Protocol):
    """A KeySet, or what holds the one in use."""

    def find(self, kid: object) -> RSAPublicKey:
        """Return the key with this `kid`; raise Unauthorized."""


def init_tokens(app: Flask, keys: FindsKeys, issuer: str, audience: str) -> JWTManager:
    """Configure flask-jwt-extended to verify tokens with `keys` and to return errors as envelopes.

    `@require_token` and `@require_role` then protect views. Tokens must have this issuer and audience (RFC 8725,
    sections 3.8 and 3.9), the algorithm RS256 and the type of access tokens (section 3.11).
    """
    app.config.update(
        JWT_ALGORITHM=ALGORITHM,
        JWT_DECODE_ALGORITHMS=[ALGORITHM],
        JWT_DECODE_ISSUER=issuer,
        JWT_DECODE_AUDIENCE=audience,
        JWT_DECODE_LEEWAY=LEEWAY_SECONDS,
        JWT_TOKEN_LOCATION=["headers"],
    )
    manager = JWTManager(app)
    app.extensions[VERIFIED_TOKENS] = VerifiedTokens(init_revocations(app, manager).revokes)

    @manager.decode_key_loader
    def key_of(header: dict[str, Any], _payload: dict[str, Any]) -> RSAPublicKey:
        if str(header.get("typ")).lower() not in ACCEPTED_TYPES:
            raise InvalidToken("the token is not an access token; log in again")
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
        return answer(InvalidToken(f"the token is not valid ({reason}); log in again"))

    @manager.token_verification_failed_loader
    def never_expires(_header: dict[str, Any], _payload: dict[str, Any]) -> Response:
        return answer(InvalidToken("the token has no expiry; log in again"))

    @manager.expired_token_loader
    def expired(_header: dict[str, Any], _payload: dict[str, Any]) -> Response:
        return answer(InvalidToken("the token has expired; log in again"))


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
        tokens = verified_tokens(current_app)
        generation = tokens.generation
        verify_jwt_in_request()
        tokens.remember(request.headers["Authorization"], get_jwt(), generation)
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
