"""Changes to users: name, role, whether they may log in. Each takes part in the caller's transaction on the primary."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from efishery_auth import audit, sessions
from efishery_auth.audit import Action
from efishery_auth.models import Role, User
from efishery_auth.origins import Origin
from efishery_auth.sessions import EndReason

_END_REASONS = {Action.DISABLED: EndReason.DISABLED, Action.ROLE_CHANGED: EndReason.ROLE_CHANGED}


class UnknownUser(Exception):
    """No user has this id."""


class NotAdmin(Exception):
    """The user is no admin, or not any more, whatever their token says."""


class LastAdmin(Exception):
    """The change would leave no admin who can log in."""


class InactiveUser(Exception):
    """The user of this token is disabled, or does not exist any more."""


@dataclass(frozen=True)
class Change:
    """What an admin wants of a user; None leaves it as it is."""

    name: str | None = None
    role: Role | None = None
    disabled: bool | None = None

    def ends_admin(self) -> bool:
        """Tell whether somebody is no admin who can log in after this change."""
        return self.role is Role.USER or self.disabled is True


def require_admin(db_session: Session, actor_id: int | None) -> None:
    """Lock the actor's row and raise NotAdmin unless it is an enabled admin's. Every admin's write begins with it.

    A token has the role that its user had when it was issued.
    """
    _check_admin(_lock(db_session, [actor_id]) if actor_id else {}, actor_id)


def change(db_session: Session, user_id: int, wanted: Change, *, actor_id: int, now: datetime, origin: Origin) -> User:
    """Change a user for an admin, and record what has changed; return the user.

    A changed role and disabling end all sessions of the user. Raises NotAdmin, UnknownUser and LastAdmin.
    """
    ids = {actor_id, user_id}
    if actor_id == user_id and wanted.ends_admin():
        ids |= _admin_ids(db_session)  # another admin must remain; for other users that is the actor
    locked = _lock(db_session, ids)
    _check_admin(locked, actor_id)
    user = locked.get(user_id)
    if user is None:
        raise UnknownUser
    others = [each for each in locked.values() if each.id != user_id]
    if wanted.ends_admin() and not any(_is_admin(each) for each in others):
        raise LastAdmin
    for action, details in _apply(user, wanted, now):
        audit.record(db_session, action, now=now, origin=origin, actor_id=actor_id, user_id=user_id, details=details)
        if action in _END_REASONS:
            sessions.end_all(db_session, user_id, _END_REASONS[action], now)
    return user


def rename(db_session: Session, user_id: int, name: str, *, now: datetime, origin: Origin) -> User:
    """Change a user's name for the user, and record it; return the user. Raises InactiveUser."""
    user = _lock(db_session, [user_id]).get(user_id)
    if user is None or user.disabled_at:
        raise InactiveUser
    for action, details in _apply(user, Change(name=name), now):
        audit.record(db_session, action, now=now, origin=origin, actor_id=user_id, user_id=user_id, details=details)
    return user


def _apply(user: User, wanted: Change, now: datetime) -> Iterable[tuple[Action, str | None]]:
    """Change the user; yield what has changed, with its details. Names are personal data, and are not recorded."""
    if wanted.name is not None and wanted.name != user.name:
        user.name = wanted.name
        yield Action.NAME_CHANGED, None
    if wanted.role is not None and wanted.role != user.role:
        details = f"{user.role} -> {wanted.role}"
        user.role = wanted.role
        yield Action.ROLE_CHANGED, details
    if wanted.disabled is True and user.disabled_at is None:
        user.disabled_at = now
        yield Action.DISABLED, None
    if wanted.disabled is False and user.disabled_at is not None:
        user.disabled_at = None
        yield Action.ENABLED, None


def _lock(db_session: Session, ids: Iterable[int]) -> Mapping[int, User]:
    """Lock the rows of the users that exist, by increasing id: two transactions never wait for each other."""
    statement = select(User).where(User.id.in_(sorted(ids))).order_by(User.id)
    return {user.id: user for user in db_session.scalars(statement.with_for_update())}


def _admin_ids(db_session: Session) -> set[int]:
    # Not locked: without an index on the role, MySQL would lock all rows. `_lock` reads them again by id.
    return set(db_session.scalars(select(User.id).where(User.role == Role.ADMIN, User.disabled_at.is_(None))))


def _check_admin(locked: Mapping[int, User], actor_id: int | None) -> None:
    actor = locked.get(actor_id) if actor_id else None
    if actor is None or not _is_admin(actor):
        raise NotAdmin


def _is_admin(user: User) -> bool:
    return user.role == Role.ADMIN and user.disabled_at is None
