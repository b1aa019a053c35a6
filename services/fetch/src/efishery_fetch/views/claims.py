"""GET /fetch/claims: what the caller's token says."""

from flask import Blueprint, Response
from flask_jwt_extended import jwt_required

from servicekit import envelope
from servicekit.tokens import current_claims

blueprint = Blueprint("claims", __name__)


@blueprint.get("/fetch/claims")
@jwt_required()
def claims() -> Response:
    """Answer the claims of the verified token."""
    return envelope.success(current_claims())
