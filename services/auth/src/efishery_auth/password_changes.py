"""New passwords for users: chosen by themselves, or issued by an admin. Either ends the user's other sessions."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from efishery_auth import audit, locks, password_policy, passwords, sessions
from efishery_auth.audit import Action
from efishery_auth.database import DatabaseUnavailable
from efishery_auth.logins import Attempt, Logins
from efishery_auth.models import User
from efishery_auth.origins import Origin
from efishery_auth.sessions import EndReason
from efishery_auth.user_changes import UnknownUser, require_admin
from efishery_auth.users import WrongCredentials


class WrongPassword(Exception):
    """The current password is not right, or the user is disabled."""


class Unacceptable(ValueError):
    """The new password may not be chosen; the text says why, and what to do."""


class ChangeUnknown(Exception):
    """The database became unavailable while the new password was stored; it may have been or not."""


@dataclass(frozen=True)
class PasswordChanges:
    """The methods may raise DatabaseUnavailable and HashQueueFull."""

    logins: Logins

    def choose(self, user_id: int, attempt: Attempt, new_password: str) -> None:
        """Replace the password of a user who knows it by a chosen one, and end the user's other sessions.

        Wrong passwords are counted for the attempt's session alone: a lock of the phone does not hinder its owner.

        Raises:
            WrongPassword, Locked, Unacceptable, ChangeUnknown.
        """
        if new_password == attempt.password:  # before anything is hashed
            raise Unacceptable("must differ from current_password")
        try:
            user = self.logins.authenticate(attempt, newest=True)
        except WrongCredentials:
            raise WrongPassword from None
        if user.id != user_id:  # the phone of the token belongs to another account now
            raise WrongPassword
        self._check_policy(user, new_password)
        chosen = self.logins.hashes.hash_chosen(new_password)
        try:
            self.logins.database.primary.write(lambda db_session: self._store_chosen(db_session, user, attempt, chosen))
        except DatabaseUnavailable as error:
            raise ChangeUnknown from error

    def _check_policy(self, user: User, new: str) -> None:
        # It takes CPU like a hash, so it queues with the hashes.
        facts = {"name": user.name, "phone": user.phone}
        problem = self.logins.hashes.run("policy", password_policy.problem_with, new, **facts)
        if problem:
            raise Unacceptable(problem)

    def _store_chosen(self, db_session: Session, verified: User, attempt: Attempt, chosen: str) -> None:
        user = _locked(db_session, verified.id)
        if user is None or user.disabled_at or user.password_hash != verified.password_hash:
            raise WrongPassword  # changed by another request since it was verified
        self.logins.confirm(db_session, attempt, user)
        user.password_hash = chosen
        reason, now = EndReason.PASSWORD_CHANGED, attempt.now
        sessions.end_all(db_session, user.id, reason, now, except_id=attempt.session_id)
        audit.record(
            db_session,
            Action.PASSWORD_CHANGED,
            now=now,
            origin=attempt.origin,
            actor_id=user.id,
            user_id=user.id,
        )

    def issue(self, user_id: int, *, actor_id: int, now: datetime, origin: Origin) -> tuple[User, str]:
        """Give a user a new generated password for an admin; return both. Raises NotAdmin and UnknownUser.

        Ends all the user's sessions and lifts the locks of the phone. After DatabaseUnavailable it can be repeated.
        """
        password = passwords.generate()
        issued = self.logins.hashes.hash(password)

        def store(db_session: Session) -> User:
            require_admin(db_session, actor_id)
            user = _locked(db_session, user_id)
            if user is None:
                raise UnknownUser
            user.password_hash = issued
            locks.lift(db_session, user.phone, user.id, now)
            sessions.end_all(db_session, user.id, EndReason.PASSWORD_CHANGED, now)
            audit.record(db_session, Action.PASSWORD_ISSUED, now=now, origin=origin, actor_id=actor_id, user_id=user.id)
            return user

        return self.logins.database.primary.write(store), password


def _locked(db_session: Session, user_id: int) -> User | None:
    return db_session.scalar(select(User).where(User.id == user_id).with_for_update())
