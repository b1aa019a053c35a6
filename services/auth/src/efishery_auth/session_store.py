"""Starts, continues and ends sessions: each a transaction on the primary, with its event in the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from efishery_auth import audit, sessions
from efishery_auth.audit import Action
from efishery_auth.callers import Caller
from efishery_auth.database import Database, DatabaseUnavailable
from efishery_auth.logins import AccountChanged, Confirm
from efishery_auth.models import LoginSession, User
from efishery_auth.origins import Origin
from efishery_auth.refresh_tokens import InvalidRefreshToken, RefreshToken
from efishery_auth.sessions import EndReason, Lifetimes
from efishery_auth.users import WrongCredentials

log = structlog.get_logger(__name__)


class SessionNotFound(Exception):
    """The caller has no active session with this id."""


@dataclass(frozen=True)
class Login:
    """What the tokens of a login are made of. Without a session, when none could be stored."""

    user: User
    session: LoginSession | None = None
    refresh_token: RefreshToken | None = None


@dataclass(frozen=True)
class SessionStore:
    """The sessions of a database. Every method but `start` may raise DatabaseUnavailable."""

    database: Database
    lifetimes: Lifetimes

    def start(self, user: User, confirm: Confirm, *, now: datetime, origin: Origin) -> Login:
        """Start a session of a user whose password was verified; without the primary, log in without one.

        Raises AccountChanged, WrongCredentials if the user is disabled by now, and what `confirm` raises.
        """

        def work(db_session: Session) -> Login:
            verified = self._lock(db_session, user)
            confirm(db_session)
            return self._start(db_session, verified, now, origin)

        try:
            return self.database.sessions.write(work)
        except DatabaseUnavailable:
            log.warning("login_without_session", user_id=user.id)
            return Login(user)

    def _lock(self, db_session: Session, verified: User) -> User:
        # The lock makes whoever ends all sessions of this user, as for a new password, wait for this one and end it.
        user = db_session.get(User, verified.id, with_for_update={"read": True})
        if user is None or user.disabled_at:
            raise WrongCredentials
        if user.password_hash != verified.password_hash:
            raise AccountChanged
        return user

    def _start(self, db_session: Session, user: User, now: datetime, origin: Origin) -> Login:
        session, token = sessions.start(db_session, user, now=now, origin=origin, lifetimes=self.lifetimes)
        audit.record(db_session, Action.LOGGED_IN, now=now, origin=origin, actor_id=user.id, user_id=user.id)
        return Login(user, session, token)

    def refresh(self, text: str, *, now: datetime, origin: Origin) -> Login:
        """Exchange a refresh token. Raises InvalidRefreshToken and RefreshedJustNow.

        One that was used before ends its session.
        """
        token = RefreshToken.parse(text)
        login = self.database.primary.write(lambda db_session: self._refresh(db_session, token, now, origin))
        if login is None:
            raise InvalidRefreshToken
        return login

    def _refresh(self, db_session: Session, token: RefreshToken, now: datetime, origin: Origin) -> Login | None:
        session, successor = sessions.refresh(db_session, token, now=now, lifetimes=self.lifetimes)
        if successor is None:
            user_id, action = session.user_id, Action.REFRESH_TOKEN_REUSED
            audit.record(db_session, action, now=now, origin=origin, user_id=user_id, details=session.id)
            return None
        user = db_session.get(User, session.user_id)
        if user is None or user.disabled_at:
            raise InvalidRefreshToken
        return Login(user, session, successor)

    def active(self, user_id: int, now: datetime) -> Sequence[LoginSession]:
        """Return the user's active sessions; a replica is asked when the primary is unavailable."""
        return self.database.read_newest(lambda db_session: sessions.active(db_session, user_id, now))

    def log_out(self, caller: Caller, *, now: datetime, origin: Origin) -> None:
        """End the caller's session, or else all their access tokens that have none."""
        me, current = caller.user_id, caller.session_id

        def work(db_session: Session) -> None:
            if current is None:
                sessions.end_sessionless(db_session, me, now)
            else:
                sessions.end(db_session, me, current, EndReason.LOGGED_OUT, now)
            action = Action.LOGGED_OUT
            audit.record(db_session, action, now=now, origin=origin, actor_id=me, user_id=me, details=current)

        self.database.primary.write(work)

    def end(self, caller: Caller, session_id: str, *, now: datetime, origin: Origin) -> None:
        """End one of the caller's sessions. Raises SessionNotFound."""
        me = caller.user_id

        def work(db_session: Session) -> None:
            if not sessions.end(db_session, me, session_id, EndReason.ENDED_BY_USER, now):
                raise SessionNotFound
            action = Action.SESSION_ENDED
            audit.record(db_session, action, now=now, origin=origin, actor_id=me, user_id=me, details=session_id)

        self.database.primary.write(work)

    def end_others(self, caller: Caller, *, now: datetime, origin: Origin) -> None:
        """End all the caller's sessions but the one of this request, and their access tokens that have none."""
        me = caller.user_id

        def work(db_session: Session) -> None:
            sessions.end_all(db_session, me, EndReason.ENDED_BY_USER, now, except_id=caller.session_id)
            action, details = Action.SESSION_ENDED, "all others"
            audit.record(db_session, action, now=now, origin=origin, actor_id=me, user_id=me, details=details)

        self.database.primary.write(work)
