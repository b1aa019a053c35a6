"""The audit log: who did what to which account, when and from where. Its rows are added and never changed."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import structlog
from prometheus_client import Counter
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from efishery_auth.models import AuditEvent
from efishery_auth.origins import Origin
from efishery_auth.paging import Page, read_page
from efishery_auth.phones import masked
from servicekit.serialization import rfc3339

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


EVENTS = Counter("auth_audit_events_total", "Events of the audit log that this pod has committed", ["action"])
for each in Action:
    EVENTS.labels(each.value)  # from 0 on, so that the first event is an increase


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
    """Add an event to the caller's transaction; when that is committed, the event is logged and counted too.

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
    event.listen(db_session, "after_commit", lambda _session: _report(action, facts), once=True)


def _report(action: Action, facts: Mapping[str, object]) -> None:
    EVENTS.labels(action.value).inc()
    log.info("audit", **facts)


def find(
    db_session: Session,
    *,
    limit: int,
    after: int | None = None,
    user_id: int | None = None,
    actor_id: int | None = None,
    action: Action | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[AuditEvent]:
    """Return a page of events, the newest first; `since` and `until` are included. Indexes: user_id and occurred_at."""
    statement = select(AuditEvent)
    for column, value in (
        (AuditEvent.user_id, user_id),
        (AuditEvent.actor_id, actor_id),
        (AuditEvent.action, action),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if since is not None:
        statement = statement.where(AuditEvent.occurred_at >= since)
    if until is not None:
        statement = statement.where(AuditEvent.occurred_at <= until)
    return read_page(db_session, statement, AuditEvent.id, limit=limit, after=after, newest_first=True)


def as_json(audit_event: AuditEvent) -> dict[str, object]:
    """Return what admins see of an event."""
    return {
        "id": audit_event.id,
        "occurred_at": rfc3339(audit_event.occurred_at),
        "action": audit_event.action,
        "actor_id": audit_event.actor_id,
        "user_id": audit_event.user_id,
        "phone": audit_event.phone,
        "address": audit_event.address,
        "request_id": audit_event.request_id,
        "details": audit_event.details,
    }
