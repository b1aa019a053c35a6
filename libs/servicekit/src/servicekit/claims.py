"""The endpoint that answers the claims of the caller's token, the same in every service that accepts tokens."""

from flask import Blueprint, Response

from servicekit.envelope import success
from servicekit.tokens import current_claims, require_token


def claims_blueprint(path: str) -> Blueprint:
    """Make the blueprint `claims` with GET `path`; 401 without a valid token."""
    blueprint = Blueprint("claims", __name__)

    @blueprint.get(path)
    @require_token
    def claims() -> Response:
        """Answer the claims of the verified token."""
        return success(current_claims())

    return blueprint
