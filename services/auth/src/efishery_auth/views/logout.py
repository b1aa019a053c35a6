"""POST /auth/logout."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from efishery_auth.callers import current_caller
from efishery_auth.origins import current_origin
from efishery_auth.state import current_sessions
from servicekit.envelope import success
from servicekit.tokens import require_token

blueprint = Blueprint("logout", __name__)


@blueprint.post("/auth/logout")
@require_token
def logout() -> Response:
    """End the session of the token; of a token without one, all the user's tokens that have none."""
    current_sessions().log_out(current_caller(), now=datetime.now(UTC), origin=current_origin())
    return success(msg="logged out")
