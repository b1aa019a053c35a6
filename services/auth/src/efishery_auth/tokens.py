"""Signs the access tokens that all services accept."""

from datetime import timedelta

from flask import Flask
from flask_jwt_extended import create_access_token

from efishery_auth.idempotency import derivation_secret
from efishery_auth.keys import read_signing_key
from efishery_auth.models import User
from efishery_auth.settings import AuthSettings
from servicekit.serialization import rfc3339
from servicekit.tokens import TOKEN_TYPE, KeySet, init_tokens, thumbprint


def init_signing(app: Flask, settings: AuthSettings) -> KeySet:
    """Set up flask-jwt-extended to sign with the current key; return the public keys that are accepted."""
    signing_key = read_signing_key(settings.signing_key_file)
    former = KeySet.from_directory(settings.verification_keys_dir) if settings.verification_keys_dir else KeySet([])
    keys = former.with_key(signing_key.public_key())
    app.config.update(
        JWT_PRIVATE_KEY=signing_key,
        REGISTRATION_SECRET=derivation_secret(signing_key),
        JWT_COOKIE_CSRF_PROTECT=False,  # tokens are never in cookies, so they need no claim for that
        JWT_ENCODE_ISSUER=settings.token_issuer,
        JWT_ENCODE_AUDIENCE=settings.token_audience,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=settings.access_token_seconds),
    )
    manager = init_tokens(app, keys, settings.token_issuer, settings.token_audience)
    kid = thumbprint(signing_key.public_key())
    manager.additional_headers_loader(lambda _identity: {"kid": kid, "typ": TOKEN_TYPE})
    return keys


def issue(user: User, session_id: str | None) -> str:
    """Sign an access token for `user`, with the claims name, phone, role and timestamp (of registration).

    A session's id is the claim `sid` (OpenID Connect Front-Channel Logout, section 3).
    """
    token: str = create_access_token(
        identity=str(user.id),
        additional_claims={
            "name": user.name,
            "phone": user.phone,
            "role": user.role,
            "timestamp": rfc3339(user.created_at),
            **({"sid": session_id} if session_id else {}),
        },
    )
    return token
