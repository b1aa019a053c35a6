"""Signs the access tokens that all services accept."""

from datetime import timedelta
from functools import partial
from math import nan
from typing import cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from flask import Flask, current_app, g
from flask_jwt_extended import create_access_token
from prometheus_client import Gauge

from efishery_auth.keys import SigningKeys, parse_files, read_files
from efishery_auth.models import User
from efishery_auth.settings import AuthSettings
from servicekit.reloaded_keys import ReloadedKeys, reload_in_background
from servicekit.serialization import rfc3339
from servicekit.tokens import TOKEN_TYPE, init_tokens

EXTENSION = "efishery_auth.keys"
KEY_CREATED = Gauge(
    "auth_signing_key_created_timestamp_seconds",
    "Unix time at which the certificate of the signing key begins; NaN without a certificate",
)


def init_signing(app: Flask, settings: AuthSettings) -> ReloadedKeys[SigningKeys]:
    """Set up flask-jwt-extended to sign with the current key; return the keys, which are reloaded as `app` serves."""
    keys = ReloadedKeys(partial(read_files, settings.signing_key_file, settings.verification_keys_dir), parse_files)
    app.config.update(
        JWT_COOKIE_CSRF_PROTECT=False,  # tokens are never in cookies, so they need no claim for that
        JWT_ENCODE_ISSUER=settings.token_issuer,
        JWT_ENCODE_AUDIENCE=settings.token_audience,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=settings.access_token_seconds),
    )
    app.extensions[EXTENSION] = keys
    manager = init_tokens(app, keys, settings.token_issuer, settings.token_audience)
    manager.additional_headers_loader(_headers)
    manager.encode_key_loader(_signing_key)
    reload_in_background(app, keys)
    KEY_CREATED.set_function(lambda: _timestamp(keys.current))
    return keys


def _timestamp(keys: SigningKeys) -> float:
    return keys.created_at.timestamp() if keys.created_at else nan


def current_keys() -> SigningKeys:
    """Return the keys for this request. They stay the same during it: a token's `kid` must be that of its signature."""
    if "signing_keys" not in g:
        g.signing_keys = current_app.extensions[EXTENSION].current
    return cast(SigningKeys, g.signing_keys)


def _headers(_identity: object) -> dict[str, str]:
    return {"kid": current_keys().kid, "typ": TOKEN_TYPE}


def _signing_key(_identity: object) -> RSAPrivateKey:
    return current_keys().signing_key


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
