"""Removes rows that nothing needs any more, in small transactions, so that no other waits long for one."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from efishery_auth.database import Endpoint
from efishery_auth.models import AuditEvent, LoginFailures, LoginSession

BATCH = 1000  # rows of a transaction
KEEP_SESSIONS = timedelta(days=30)  # after they ended or expired; until then their addresses are known (ADR 65)
KEEP_FAILURES = timedelta(days=1)

Key = InstrumentedAttribute[str] | InstrumentedAttribute[int]


def prune(primary: Endpoint, now: datetime, keep_audit: timedelta) -> Mapping[str, int]:
    """Delete what is older than it is kept; return the number of rows by table. Raises DatabaseUnavailable."""
    ended, failed = now - KEEP_SESSIONS, now - KEEP_FAILURES
    # One condition for each index.
    old_sessions = [LoginSession.expires_at < ended, LoginSession.ended_at < ended]
    old_failures = and_(
        LoginFailures.window_ends_at < failed,
        or_(LoginFailures.locked_until.is_(None), LoginFailures.locked_until < failed),
    )
    return {
        "sessions": sum(_delete(primary, LoginSession.id, condition) for condition in old_sessions),
        "login_failures": _delete(primary, LoginFailures.subject, old_failures),
        "audit_events": _delete(primary, AuditEvent.id, AuditEvent.occurred_at < now - keep_audit),
    }


def _delete(primary: Endpoint, key: Key, is_old: ColumnElement[bool]) -> int:
    deleted = 0
    while count := primary.write(lambda db_session: _delete_batch(db_session, key, is_old)):
        deleted += count
    return deleted


def _delete_batch(db_session: Session, key: Key, is_old: ColumnElement[bool]) -> int:
    keys = db_session.scalars(select(key).where(is_old).limit(BATCH)).all()
    if keys:
        # The condition again: a failure may have been counted since.
        db_session.execute(delete(key.class_).where(key.in_(keys), is_old).execution_options(synchronize_session=False))
    return len(keys)
