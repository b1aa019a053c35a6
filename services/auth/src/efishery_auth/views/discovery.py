"""GET /auth/.well-known/openid-configuration."""

import re

from flask import Blueprint, Response, jsonify, request

from efishery_auth.views import jwks
from servicekit.errors import BadRequest
from servicekit.key_set import ALGORITHM

PATH = "/auth/.well-known/openid-configuration"
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")


def discovery_blueprint(issuer: str, public_url: str | None) -> Blueprint:
    """Answer the metadata by which clients find the key set (OpenID Connect Discovery 1.0, section 3; RFC 8414).

    It is bare, in no envelope, and has the members that the token issuer of Kubernetes has: neither is an OpenID
    provider. `issuer` is the `iss` of the tokens. Without `public_url`, the URL of the key set is built of the
    request's own scheme and host; nothing may store that answer, so that a made-up Host header reaches only the client
    that sent it.
    """
    blueprint = Blueprint("discovery", __name__)

    @blueprint.get(PATH)
    def openid_configuration() -> Response:
        response = jsonify(
            issuer=issuer,
            jwks_uri=(public_url or _requested_origin()) + jwks.PATH,
            response_types_supported=["id_token"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=[ALGORITHM],
        )
        if public_url:
            response.cache_control.public = True
            response.cache_control.max_age = jwks.MAX_AGE_SECONDS
        else:
            response.cache_control.no_store = True
        return response

    return blueprint


def _requested_origin() -> str:
    host = request.headers.get("Host", "")
    if not _HOST.fullmatch(host):
        raise BadRequest("the header Host must be a host name, with a port or without")
    forwarded = request.headers.get("X-Forwarded-Proto")  # the gateway sets it, and replaces what a client sent
    scheme = forwarded if forwarded in ("http", "https") else request.scheme
    return f"{scheme}://{host}"
