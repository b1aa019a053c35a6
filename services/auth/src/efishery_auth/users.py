"""What can be done with users, apart from HTTP."""

from datetime import datetime
from typing import Any, TypeGuard

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from efishery_auth import passwords
from efishery_auth.database import Database
from efishery_auth.gate import Away
from efishery_auth.models import Role, User
from efishery_auth.phones import masked
from servicekit.errors import Conflict, Unauthorized

log = structlog.get_logger(__name__)


def find_by_phone(session: Session, phone: str) -> User | None:
    """Answer the user with this normalised phone, if there is one."""
    return session.scalar(select(User).where(User.phone == phone))


def register(database: Database, *, name: str, phone: str, role: Role, password: str, now: datetime) -> User:
    """Store a new user. Raises Conflict when the phone is taken, Away when that cannot be told."""
    password_hash = passwords.hash_password(password)
    values = {"name": name, "phone": phone, "role": role, "password_hash": password_hash, "created_at": now}
    try:
        user = database.write(lambda session: _insert(session, values))
    except IntegrityError as error:
        # The unique key decides, not a look beforehand: two may register at the same moment.
        stored = _stored_by_this_request(database, phone, password_hash)
        if stored is None:
            raise Conflict("this phone is registered already; log in, or register another") from error
        user = stored
    log.info("user_registered", user_id=user.id, role=role, phone=masked(phone))
    return user


def _insert(session: Session, values: dict[str, Any]) -> User:
    user = User(**values)
    session.add(user)
    return user


def _stored_by_this_request(database: Database, phone: str, password_hash: str) -> User | None:
    """Answer the phone's user if an earlier attempt of this same request stored it, and only its answer was lost.

    The hash tells: its salt is random, so no other request has the same.
    """
    user = database.read_newest(lambda session: find_by_phone(session, phone))
    return user if user and user.password_hash == password_hash else None


def authenticate(database: Database, *, phone: str, password: str) -> User:
    """Answer the user who has this password. Raises Unauthorized, alike for unknown phone and wrong password."""
    user = database.read(lambda session: find_by_phone(session, phone))
    if _has_password(user, password):
        return user
    newer = _newer(database, phone, user)
    if newer and _has_password(newer, password):
        return newer
    log.info("login_refused", phone=masked(phone))
    raise Unauthorized("phone or password is wrong")


def _has_password(user: User | None, password: str) -> TypeGuard[User]:
    return passwords.verify(user.password_hash if user else None, password)


def _newer(database: Database, phone: str, seen: User | None) -> User | None:
    """Answer the primary's user with this phone if a replica has `seen` another password of theirs, or nobody.

    So who has just registered can log in. With the primary away, what was seen stands.
    """
    try:
        user = database.read_newest(lambda session: find_by_phone(session, phone), patient=False)
    except Away:
        return None
    return user if user and (seen is None or user.password_hash != seen.password_hash) else None
