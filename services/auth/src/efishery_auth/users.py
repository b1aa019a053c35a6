"""What can be done with users, apart from HTTP."""

from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from efishery_auth import passwords
from efishery_auth.models import Role, User
from efishery_auth.phones import masked
from servicekit.errors import Conflict, Unauthorized

log = structlog.get_logger(__name__)


def find_by_phone(session: Session, phone: str) -> User | None:
    """Answer the user with this normalised phone, if there is one."""
    return session.scalar(select(User).where(User.phone == phone))


def register(session: Session, *, name: str, phone: str, role: Role, password: str, now: datetime) -> User:
    """Store a new user. Raises Conflict when the phone is taken."""
    user = User(name=name, phone=phone, role=role, password_hash=passwords.hash_password(password), created_at=now)
    session.add(user)
    try:
        session.commit()
    except IntegrityError as error:
        # The unique key decides, not a look beforehand: two may register at the same moment.
        session.rollback()
        raise Conflict("this phone is registered already; log in, or register another") from error
    log.info("user_registered", user_id=user.id, role=role, phone=masked(phone))
    return user


def authenticate(session: Session, *, phone: str, password: str) -> User:
    """Answer the user who has this password. Raises Unauthorized, alike for unknown phone and wrong password."""
    user = find_by_phone(session, phone)
    right = passwords.verify(user.password_hash if user else None, password)
    if user is None or not right:
        log.info("login_refused", phone=masked(phone))
        raise Unauthorized("phone or password is wrong")
    return user
