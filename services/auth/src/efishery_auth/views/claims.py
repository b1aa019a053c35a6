"""GET /auth/claims."""

from flask import Blueprint, Response
from flask_jwt_extended import jwt_required

from servicekit.envelope import success
from servicekit.tokens import current_claims

blueprint = Blueprint("claims", __name__)


@blueprint.get("/auth/claims")
@jwt_required()
def claims() -> Response:
    """Answer the claims of the request's own token."""
    return success(current_claims())
