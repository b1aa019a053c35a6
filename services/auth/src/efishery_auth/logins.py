"""Logins: a phone and a password, checked against both the locks and the hashes (ADR 55, 65 and 66)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeGuard, TypeVar

import structlog
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from efishery_auth import audit, locks
from efishery_auth.audit import Action
from efishery_auth.database import Database, DatabaseUnavailable
from efishery_auth.locks import Limits, Locked, Source
from efishery_auth.models import User
from efishery_auth.origins import Origin
from efishery_auth.passwords import HashPool, HashQueueFull
from efishery_auth.phones import masked
from efishery_auth.users import WrongCredentials, find_by_phone

T = TypeVar("T")
Confirm = Callable[[Session], None]

log = structlog.get_logger(__name__)


class AccountChanged(Exception):
    """The password was verified against a replica that did not have the account's last change yet."""


@dataclass(frozen=True)
class Attempt:
    """A password given for a normalised phone; with `session_id`, by a client that has logged in already."""

    phone: str
    password: str
    now: datetime
    origin: Origin
    session_id: str | None = None

    def source(self, user: User | None) -> Source:
        """Return whom the attempt is counted for."""
        return Source(self.phone, self.origin.address, user.id if user else None, self.session_id)


@dataclass(frozen=True)
class Logins:
    """The logins of a database. The public methods may raise DatabaseUnavailable and HashQueueFull."""

    database: Database
    hashes: HashPool
    limits: Limits

    def log_in(self, attempt: Attempt, start: Callable[[User, Confirm], T]) -> T:
        """Return what `start` returns for the user with this phone and password. Raises WrongCredentials and Locked.

        `start` begins a session, in a transaction on the primary that first locks the user's row and then calls
        Confirm, which may raise Locked; without the primary, it goes on without both. After AccountChanged the password
        is verified again, against the primary.
        """
        try:
            return self._log_in(self.authenticate(attempt), attempt, start)
        except AccountChanged:
            return self._log_in(self.authenticate(attempt, newest=True), attempt, start)

    def _log_in(self, user: User, attempt: Attempt, start: Callable[[User, Confirm], T]) -> T:
        try:
            started = start(user, lambda db_session: self.confirm(db_session, attempt, user))
        except (Locked, WrongCredentials):
            # Locked by other attempts meanwhile, or disabled: the time must not show that the password is right.
            self.hashes.verify_dummy(user.password_hash, attempt.password)
            raise
        self._rehash(user, attempt.password)
        return started

    def authenticate(self, attempt: Attempt, *, newest: bool = False) -> User:
        """Return the user, not yet confirmed, or count the failure. Raises WrongCredentials and Locked.

        Reads a replica, or the primary with `newest`. A replica may not have a new user or password yet, so only the
        primary refuses.
        """
        self.hashes.raise_if_full()  # a flood of logins shall not wait for the database's connections
        read = self.database.primary.read if newest else self.database.read
        user = read(lambda db_session: self._find_unlocked(db_session, attempt))
        while not self._has_password(user, attempt.password):
            newer = self.database.primary.write(partial(self._refuse, attempt=attempt, seen=user))
            if newer is None:
                raise WrongCredentials
            user = newer
        return user

    def confirm(self, db_session: Session, attempt: Attempt, user: User) -> None:
        """Clear the failures of a user whose password is right, in the caller's transaction. Raises Locked."""
        locks.check_and_clear(db_session, attempt.source(user), self.limits, attempt.now)

    def _find_unlocked(self, db_session: Session, attempt: Attempt) -> User | None:
        user = find_by_phone(db_session, attempt.phone)
        locks.check(db_session, attempt.source(user), self.limits, attempt.now)
        return user

    def _refuse(self, db_session: Session, attempt: Attempt, seen: User | None) -> User | None:
        """Return the user if the primary has a newer password than was seen, else count the failure and return None."""
        user = find_by_phone(db_session, attempt.phone)
        if user and _has_changed(seen, user):
            return user
        locked = locks.count(db_session, attempt.source(user), self.limits, attempt.now)
        facts = {"user_id": user.id} if user else {"phone": attempt.phone}
        purpose = "to change the password" if attempt.session_id else None
        for action, details in [(Action.LOGIN_FAILED, purpose), *((Action.LOCKED, kind) for kind in locked)]:
            audit.record(db_session, action, now=attempt.now, origin=attempt.origin, details=details, **facts)
        return None

    def _has_password(self, user: User | None, password: str) -> TypeGuard[User]:
        return self.hashes.verify(user.password_hash if user and user.disabled_at is None else None, password)

    def _rehash(self, user: User, password: str) -> None:
        """Store a slower hash of a chosen password if the settings ask for it now; a later login can do it too."""
        if not self.hashes.is_outdated(user.password_hash):
            return
        unchanged = User.id == user.id, User.password_hash == user.password_hash
        try:
            slower = self.hashes.hash_chosen(password)
            statement = update(User).where(*unchanged).values(password_hash=slower)
            self.database.primary.write(lambda db_session: db_session.execute(statement))
        except (HashQueueFull, DatabaseUnavailable, SQLAlchemyError) as error:
            log.warning("password_not_rehashed", phone=masked(user.phone), error=type(error).__name__)


def _has_changed(seen: User | None, user: User) -> bool:
    return seen is None or (seen.password_hash, seen.disabled_at) != (user.password_hash, user.disabled_at)
