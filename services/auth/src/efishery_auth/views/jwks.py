"""GET /auth/.well-known/jwks.json."""

from flask import Blueprint, Response, jsonify

from efishery_auth.keys import SigningKeys
from servicekit.reloaded_keys import ReloadedKeys

PATH = "/auth/.well-known/jwks.json"
MAX_AGE_SECONDS = 300  # how long a reader may go without a new key, which is to be published before it signs


def jwks_blueprint(keys: ReloadedKeys[SigningKeys]) -> Blueprint:
    """Answer the public keys as a JWK Set (RFC 7517, section 5): bare, as its readers expect, in no envelope."""
    blueprint = Blueprint("jwks", __name__)

    @blueprint.get(PATH)
    def jwks() -> Response:
        response = jsonify(keys.jwks())
        response.cache_control.public = True
        response.cache_control.max_age = MAX_AGE_SECONDS
        return response

    return blueprint
