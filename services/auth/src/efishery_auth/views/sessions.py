"""GET and DELETE /auth/sessions, DELETE /auth/sessions/{id}."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response

from efishery_auth.callers import current_caller
from efishery_auth.models import LoginSession
from efishery_auth.origins import current_origin
from efishery_auth.state import current_sessions
from servicekit.envelope import success
from servicekit.tokens import require_token

blueprint = Blueprint("sessions", __name__)


@blueprint.get("/auth/sessions")
@require_token
def list_sessions() -> Response:
    """Answer the caller's active sessions, the one that was refreshed last first."""
    caller = current_caller()
    found = current_sessions().active(caller.user_id, datetime.now(UTC))
    return success([_as_json(session, caller.session_id) for session in found], meta={"count": len(found)})


@blueprint.delete("/auth/sessions")
@require_token
def end_other_sessions() -> Response:
    """End all the caller's sessions but the one of this request."""
    current_sessions().end_others(current_caller(), now=datetime.now(UTC), origin=current_origin())
    return success(msg="all other sessions have ended")


@blueprint.delete("/auth/sessions/<session_id>")
@require_token
def end_session(session_id: str) -> Response:
    """End one of the caller's sessions."""
    current_sessions().end(current_caller(), session_id, now=datetime.now(UTC), origin=current_origin())
    return success(msg="the session has ended")


def _as_json(session: LoginSession, current_id: str | None) -> dict[str, Any]:
    return {
        "id": session.id,
        "created_at": session.created_at,
        "refreshed_at": session.refreshed_at,
        "expires_at": session.expires_at,
        "address": session.address,
        "user_agent": session.user_agent,
        "current": session.id == current_id,
    }
