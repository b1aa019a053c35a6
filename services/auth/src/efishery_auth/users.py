"""What can be done with users, apart from HTTP."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeGuard

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from efishery_auth import audit
from efishery_auth.audit import Action
from efishery_auth.database import Database
from efishery_auth.database_errors import is_duplicate_key
from efishery_auth.models import Role, User
from efishery_auth.origins import COMMAND_LINE, Origin
from efishery_auth.passwords import HashPool
from efishery_auth.phones import masked
from efishery_auth.user_changes import require_admin

# How long a registration can be repeated: afterwards an Idempotency-Key that leaks shows no password.
REPLAY = timedelta(minutes=10)

log = structlog.get_logger(__name__)


class PhoneTaken(Exception):
    """The phone belongs to a user already."""


class WrongCredentials(Exception):
    """No user has this phone and this password."""


def find_by_phone(session: Session, phone: str) -> User | None:
    """Return the user with this normalised phone, if there is one."""
    return session.scalar(select(User).where(User.phone == phone))


def _add(db_session: Session, user: User, actor_id: int | None, now: datetime, origin: Origin) -> None:
    if user.role == Role.ADMIN and origin is not COMMAND_LINE:
        require_admin(db_session, actor_id)
    db_session.add(user)
    db_session.flush()  # gives it an id
    action, role = Action.REGISTERED, user.role
    audit.record(db_session, action, now=now, origin=origin, actor_id=actor_id, user_id=user.id, details=role)


@dataclass(frozen=True)
class Users:
    """The users of a database. Every method may raise DatabaseUnavailable and HashQueueFull."""

    database: Database
    hashes: HashPool

    def register(
        self,
        *,
        name: str,
        phone: str,
        role: Role,
        password: str,
        now: datetime,
        origin: Origin,
        actor_id: int | None = None,
        may_be_repeated: bool = False,
    ) -> User:
        """Store a new user and return it. Raises PhoneTaken, and NotAdmin.

        `actor_id` is the user who registers another one. Only an admin registers an admin, or the command line.
        `may_be_repeated`: a user with this phone and password, stored in the last ten minutes, is taken for the result
        of an earlier attempt.
        """
        values = {"name": name, "phone": phone, "role": role, "created_at": now}
        user = User(**values, password_hash=self.hashes.hash(password))

        try:
            self.database.primary.write(lambda db_session: _add(db_session, user, actor_id, now, origin))
        except IntegrityError as error:
            if not is_duplicate_key(error):
                raise
            # The unique key decides, not a query beforehand: two clients may register a phone at the same moment.
            stored = self._earlier_attempt(phone, password, now) if may_be_repeated else None
            if stored is None:
                raise PhoneTaken from error
            log.info("registration_repeated", user_id=stored.id, phone=masked(phone))
            return stored
        return user

    def _earlier_attempt(self, phone: str, password: str, now: datetime) -> User | None:
        user = self.database.primary.read(lambda session: find_by_phone(session, phone))
        return user if user and now - user.created_at <= REPLAY and self._has_password(user, password) else None

    def _has_password(self, user: User | None, password: str) -> TypeGuard[User]:
        return self.hashes.verify(user.password_hash if user else None, password)
