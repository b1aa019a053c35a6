"""Sessions: logins that refresh tokens continue, each used once (RFC 6749, section 6; RFC 9700, section 4.14).

A refresh token has three random parts: the session's id, the family, which all refresh tokens of the session share, and
the turn, which changes with each use. MySQL has hashes of the last two. A token with the right family and another turn
was used before: either it or its successor was stolen, so the session ends.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.orm import Session

from efishery_auth.models import LoginSession, User
from efishery_auth.origins import Origin

PART_BYTES = 16
PART_LENGTH = 22  # of 16 bytes in base64url
TOKEN_LENGTH = 3 * PART_LENGTH


class EndReason(StrEnum):
    """Why a session ended before it expired."""

    LOGGED_OUT = "logged_out"
    ENDED_BY_USER = "ended_by_user"  # from another session
    REFRESH_TOKEN_REUSED = "refresh_token_reused"  # noqa: S105 -- a reason's name
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 -- a reason's name
    ROLE_CHANGED = "role_changed"
    DISABLED = "disabled"


class InvalidRefreshToken(Exception):
    """No session has this refresh token, or it has ended or expired."""


class RefreshedJustNow(Exception):
    """The refresh token was used a moment ago, most likely by the same client that sends it twice."""


@dataclass(frozen=True)
class Lifetimes:
    """How long a session lasts without a refresh and in all, and how long a second use of a token is no theft."""

    idle: timedelta = timedelta(days=7)
    whole: timedelta = timedelta(days=30)
    grace: timedelta = timedelta(seconds=3)


@dataclass(frozen=True)
class RefreshToken:
    """The parts of a refresh token, each 22 characters of base64url."""

    session_id: str
    family: str
    turn: str

    @classmethod
    def new(cls) -> "RefreshToken":
        """Return the first refresh token of a new session."""
        return cls(_random_part(), _random_part(), _random_part())

    @classmethod
    def parse(cls, text: str) -> "RefreshToken":
        """Split a token. Raises InvalidRefreshToken for another length."""
        if len(text) != TOKEN_LENGTH:
            raise InvalidRefreshToken
        return cls(*(text[start : start + PART_LENGTH] for start in range(0, TOKEN_LENGTH, PART_LENGTH)))

    def next(self) -> "RefreshToken":
        """Return the token that follows this one."""
        return RefreshToken(self.session_id, self.family, _random_part())

    def __str__(self) -> str:
        """Return the token as clients get it."""
        return self.session_id + self.family + self.turn


def start(db_session: Session, user: User, *, now: datetime, origin: Origin, lifetimes: Lifetimes) -> RefreshToken:
    """Add a session of `user` to the caller's transaction; return its first refresh token."""
    token = RefreshToken.new()
    db_session.add(
        LoginSession(
            id=token.session_id,
            user_id=user.id,
            family_hash=_hash(token.family),
            token_hash=_hash(token.turn),
            created_at=now,
            refreshed_at=now,
            expires_at=now + min(lifetimes.idle, lifetimes.whole),
            address=origin.address,
            user_agent=origin.user_agent,
        )
    )
    return token


def refresh(
    db_session: Session, token: RefreshToken, *, now: datetime, lifetimes: Lifetimes
) -> tuple[LoginSession, RefreshToken | None]:
    """Replace a refresh token by the next one, in the caller's transaction; return its session and the next token.

    The next token is None when this one was used before: then the session has ended, which the caller must commit.
    Locks the session's row, so that of many requests with one token exactly one gets the next. Raises
    InvalidRefreshToken and RefreshedJustNow.
    """
    found = db_session.scalar(select(LoginSession).where(LoginSession.id == token.session_id).with_for_update())
    if found is None or not _is_active(found, now) or not _matches(found.family_hash, token.family):
        raise InvalidRefreshToken
    if not _matches(found.token_hash, token.turn):
        if _matches(found.previous_token_hash, token.turn) and now - found.refreshed_at <= lifetimes.grace:
            raise RefreshedJustNow
        found.ended_at, found.end_reason = now, EndReason.REFRESH_TOKEN_REUSED
        return found, None
    successor = token.next()
    found.previous_token_hash, found.token_hash = found.token_hash, _hash(successor.turn)
    found.refreshed_at = now
    found.expires_at = min(now + lifetimes.idle, found.created_at + lifetimes.whole)
    return found, successor


def active(db_session: Session, user_id: int, now: datetime) -> Sequence[LoginSession]:
    """Return the user's sessions that have neither ended nor expired, the one that was refreshed last first."""
    return db_session.scalars(
        select(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.ended_at.is_(None), LoginSession.expires_at > now)
        .order_by(LoginSession.refreshed_at.desc(), LoginSession.id)
    ).all()


def end(db_session: Session, user_id: int, session_id: str, reason: EndReason, now: datetime) -> bool:
    """End one session of the user, in the caller's transaction; return False if it is no active session of theirs."""
    return _end(db_session, now, reason, LoginSession.user_id == user_id, LoginSession.id == session_id) == 1


def end_all(
    db_session: Session, user_id: int, reason: EndReason, now: datetime, *, except_id: str | None = None
) -> None:
    """End all sessions of the user but one, and the access tokens that have none, in the caller's transaction."""
    _end(db_session, now, reason, LoginSession.user_id == user_id, LoginSession.id != (except_id or ""))
    db_session.execute(update(User).where(User.id == user_id).values(tokens_not_before=now))


def _end(db_session: Session, now: datetime, reason: EndReason, *conditions: ColumnElement[bool]) -> int:
    statement = update(LoginSession).where(LoginSession.ended_at.is_(None), LoginSession.expires_at > now, *conditions)
    result = db_session.execute(statement.values(ended_at=now, end_reason=reason))
    return cast(CursorResult[Any], result).rowcount


def _is_active(session: LoginSession, now: datetime) -> bool:
    return session.ended_at is None and session.expires_at > now


def _random_part() -> str:
    return secrets.token_urlsafe(PART_BYTES)


def _hash(part: str) -> str:
    return sha256(part.encode()).hexdigest()


def _matches(stored: str | None, part: str) -> bool:
    return stored is not None and hmac.compare_digest(stored, _hash(part))
