"""Sessions: logins that refresh tokens continue, each used once (RFC 6749, section 6; RFC 9700, section 4.14).

A refresh token (`refresh_tokens`) with the right family and another turn than the last was used before: either it or
its successor was stolen, so the session ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, CursorResult, Result, Select, and_, or_, select, update
from sqlalchemy.orm import Session

from efishery_auth.models import LoginSession, User
from efishery_auth.origins import Origin
from efishery_auth.refresh_tokens import InvalidRefreshToken, RefreshToken

T = TypeVar("T")

LONGEST_ACCESS_TOKEN = timedelta(days=1)  # that can be configured
MAX_SESSIONS = 50  # active ones of a user; logins at the same moment may exceed it until the next one


class EndReason(StrEnum):
    """Why a session ended before it expired."""

    LOGGED_OUT = "logged_out"
    ENDED_BY_USER = "ended_by_user"  # from another session
    TOO_MANY = "too_many"  # the oldest, when a new one starts; its access tokens stay valid until they expire
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 -- a reason's name
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 -- a reason's name
    ROLE_CHANGED = "role_changed"
    DISABLED = "disabled"


class RefreshedJustNow(Exception):
    """The refresh token was used a moment ago, most likely by the same client that sends it twice."""


@dataclass(frozen=True)
class Lifetimes:
    """How long a session lasts without a refresh and in all, and how long a second use of a token is no theft."""

    idle: timedelta = timedelta(days=7)
    whole: timedelta = timedelta(days=30)
    grace: timedelta = timedelta(seconds=3)


def start(
    db_session: Session, user: User, *, now: datetime, origin: Origin, lifetimes: Lifetimes
) -> tuple[LoginSession, RefreshToken]:
    """Add a session of `user` to the caller's transaction; return it and its first refresh token.

    Ends the user's sessions beyond MAX_SESSIONS, those first that were not refreshed for longest.
    """
    token = RefreshToken.new()
    started = LoginSession(
        id=token.session_id,
        user_id=user.id,
        family_hash=token.family_hash,
        token_hash=token.turn_hash,
        created_at=now,
        refreshed_at=now,
        expires_at=now + min(lifetimes.idle, lifetimes.whole),
        address=origin.address,
        user_agent=origin.user_agent,
    )
    newest_first = _active(select(LoginSession.id), user.id, now)
    if surplus := db_session.scalars(newest_first.offset(MAX_SESSIONS - 1)).all():
        _end(db_session, now, EndReason.TOO_MANY, LoginSession.id.in_(surplus))
    db_session.add(started)
    return started, token


def refresh(
    db_session: Session, token: RefreshToken, *, now: datetime, lifetimes: Lifetimes
) -> tuple[LoginSession, RefreshToken | None]:
    """Replace a refresh token by the next one, in the caller's transaction; return its session and the next token.

    The next token is None when this one was used before: then the session has ended, which the caller must commit.
    Locks the session's row, so that of many requests with one token exactly one gets the next. Raises
    InvalidRefreshToken and RefreshedJustNow.
    """
    found = db_session.scalar(select(LoginSession).where(LoginSession.id == token.session_id).with_for_update())
    if found is None or not _is_active(found, now) or not compare_digest(found.family_hash, token.family_hash):
        raise InvalidRefreshToken
    if not compare_digest(found.token_hash, token.turn_hash):
        was_last = compare_digest(found.previous_token_hash or "", token.turn_hash)
        if was_last and now - found.refreshed_at <= lifetimes.grace:
            raise RefreshedJustNow
        found.ended_at, found.end_reason = now, EndReason.REFRESH_TOKEN_REUSED
        return found, None
    successor = token.next()
    if not _replace_token(db_session, found, successor, now, lifetimes):
        raise RefreshedJustNow
    return found, successor


def _replace_token(
    db_session: Session, found: LoginSession, successor: RefreshToken, now: datetime, lifetimes: Lifetimes
) -> bool:
    """Store the next token; return False if another request has done so since, as SQLite knows no lock of a row."""
    unchanged = (LoginSession.id == found.id, LoginSession.token_hash == found.token_hash)
    statement = update(LoginSession).where(*unchanged, LoginSession.ended_at.is_(None))
    values = {
        "previous_token_hash": found.token_hash,
        "token_hash": successor.turn_hash,
        "refreshed_at": now,
        "expires_at": min(now + lifetimes.idle, found.created_at + lifetimes.whole),
    }
    return _rows(db_session.execute(statement.values(values))) == 1


def active(db_session: Session, user_id: int, now: datetime) -> Sequence[LoginSession]:
    """Return the user's sessions that have neither ended nor expired, the one that was refreshed last first."""
    return db_session.scalars(_active(select(LoginSession), user_id, now)).all()


def _active(query: Select[T], user_id: int, now: datetime) -> Select[T]:
    active = (LoginSession.user_id == user_id, LoginSession.ended_at.is_(None), LoginSession.expires_at > now)
    return query.where(*active).order_by(LoginSession.refreshed_at.desc(), LoginSession.id)


def end(db_session: Session, user_id: int, session_id: str, reason: EndReason, now: datetime) -> bool:
    """End one session of the user, in the caller's transaction; return False if it is no active session of theirs."""
    return _end(db_session, now, reason, LoginSession.user_id == user_id, LoginSession.id == session_id) == 1


def end_all(
    db_session: Session, user_id: int, reason: EndReason, now: datetime, *, except_id: str | None = None
) -> None:
    """End all sessions of the user but one, and the access tokens that have none, in the caller's transaction."""
    end_sessionless(db_session, user_id, now)  # first: it locks the user's row, which a login that starts one reads
    _end(db_session, now, reason, LoginSession.user_id == user_id, LoginSession.id != (except_id or ""))


def end_sessionless(db_session: Session, user_id: int, now: datetime) -> None:
    """End the user's access tokens that have no session, in the caller's transaction."""
    db_session.execute(update(User).where(User.id == user_id).values(tokens_not_before=now))


def _end(db_session: Session, now: datetime, reason: EndReason, *conditions: ColumnElement[bool]) -> int:
    """End the sessions that are active, or whose access tokens can be valid still."""
    active = and_(LoginSession.ended_at.is_(None), LoginSession.expires_at > now)
    since = now - LONGEST_ACCESS_TOKEN
    superseded = and_(LoginSession.end_reason == EndReason.TOO_MANY, LoginSession.ended_at > since)
    statement = update(LoginSession).where(or_(active, superseded), *conditions)
    return _rows(db_session.execute(statement.values(ended_at=now, end_reason=reason)))


def _rows(result: Result[Any]) -> int:
    """Return how many rows an UPDATE has found."""
    return cast(CursorResult[Any], result).rowcount


def _is_active(session: LoginSession, now: datetime) -> bool:
    return session.ended_at is None and session.expires_at > now
