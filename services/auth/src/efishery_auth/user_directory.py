"""Finds users, for admins."""

import re

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from efishery_auth.models import Role, User
from efishery_auth.paging import Page, read_page
from efishery_auth.phones import SEPARATORS
from servicekit.serialization import rfc3339

_PART_OF_PHONE = re.compile(r"\+?[0-9]{3,15}")


def find(db_session: Session, user_id: int) -> User | None:
    """Return the user with this id, if there is one."""
    return db_session.get(User, user_id)


def search(
    db_session: Session,
    *,
    limit: int,
    after: int | None = None,
    text: str | None = None,
    role: Role | None = None,
    disabled: bool | None = None,
) -> Page[User]:
    """Return a page of users in the order in which they registered.

    `text` is a part of the name in any case, or of the phone. No index helps to find it: MySQL reads the table in the
    order of ids until the page is full, at worst all of it.
    """
    statement = select(User)
    if text is not None:
        statement = statement.where(_matches(text))
    if role is not None:
        statement = statement.where(User.role == role)
    if disabled is not None:
        statement = statement.where(User.disabled_at.is_not(None) if disabled else User.disabled_at.is_(None))
    return read_page(db_session, statement, User.id, limit=limit, after=after)


def as_json(user: User) -> dict[str, object]:
    """Return what admins see of a user: all but the password's hash."""
    return {
        "id": user.id,
        "name": user.name,
        "phone": user.phone,
        "role": user.role,
        "created_at": rfc3339(user.created_at),
        "disabled_at": rfc3339(user.disabled_at) if user.disabled_at else None,
    }


def _matches(text: str) -> ColumnElement[bool]:
    conditions = [User.name.icontains(text, autoescape=True)]
    phone = SEPARATORS.sub("", text)
    if _PART_OF_PHONE.fullmatch(phone):
        conditions.append(User.phone.contains(phone, autoescape=True))
        if phone.startswith("0"):  # 0812 is how +62812 begins within Indonesia
            conditions.append(User.phone.startswith("+62" + phone.lstrip("0"), autoescape=True))
    return or_(*conditions)
