"""The audit log: who did what to which account, when and from where. Its rows are added and never changed."""

from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy import event
from sqlalchemy.orm import Session

from efishery_auth.models import AuditEvent
from efishery_auth.origins import Origin
from efishery_auth.phones import masked

log = structlog.get_logger(__name__)


class Action(StrEnum):
    """What happened."""

    REGISTERED = "registered"
    LOGGED_IN = "logged_in"
    LOGIN_FAILED = "login_failed"
    LOCKED = "locked"
    LOGGED_OUT = "logged_out"
    SESSION_ENDED = "session_ended"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 -- an action's name
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 -- an action's name
    PASSWORD_ISSUED = "password_issued"  # noqa: S105 -- an action's name
    NAME_CHANGED = "name_changed"
    ROLE_CHANGED = "role_changed"
    DISABLED = "disabled"
    ENABLED = "enabled"
    KEY_ROTATED = "key_rotated"


def record(
    db_session: Session,
    action: Action,
    *,
    now: datetime,
    origin: Origin,
    actor_id: int | None = None,
    user_id: int | None = None,
    phone: str | None = None,
    details: str | None = None,
) -> None:
    """Add an event to the caller's transaction; when that is committed, the event is logged too.

    `actor_id` is the user who did it, `user_id` the one whose account it was. `phone` is for phones without an account;
    it is stored and logged masked.
    """
    facts = {
        "action": action.value,
        "actor_id": actor_id,
        "user_id": user_id,
        "phone": masked(phone) if phone else None,
        "address": origin.address,
        "request_id": origin.request_id,
        "details": details,
    }
    db_session.add(AuditEvent(occurred_at=now, **facts))
    facts = {name: value for name, value in facts.items() if value is not None}
    event.listen(db_session, "after_commit", lambda _session: log.info("audit", **facts), once=True)
