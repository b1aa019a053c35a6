"""GET /auth/audit, for admins."""

from flask import Blueprint, Response

from efishery_auth import audit, queries
from efishery_auth.state import current_users
from efishery_auth.views.pages import page_answer
from servicekit.tokens import require_role

blueprint = Blueprint("audit", __name__)


@blueprint.get("/auth/audit")
@require_role("admin")
def list_events() -> Response:
    """Answer a page of the audit log, the newest event first."""
    query = queries.read(queries.AuditQuery)
    page = current_users().database.read(
        lambda db_session: audit.find(
            db_session,
            limit=query.limit,
            after=query.cursor,
            user_id=query.user_id,
            actor_id=query.actor_id,
            action=query.action,
            since=query.since,
            until=query.until,
        )
    )
    return page_answer(queries.AUDIT, page, audit.as_json)
