"""Locks against guessing: so many logins may fail in a window of time, then none is tried until the lock ends (ADR 65).

Failures are counted for the phone and for the client's address. A client at an address from which the user has logged
in before has a count of its own, so that nobody else can lock it out. All functions work in the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil

from sqlalchemy import select, update
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import Session

from efishery_auth.models import LoginFailures, LoginSession
from efishery_auth.origins import network

KNOWN_ADDRESSES = 1000  # of one user, that are compared


class Locked(Exception):
    """Too many logins have failed; `retry_after` is in whole seconds."""

    def __init__(self, remaining: timedelta) -> None:
        super().__init__(f"locked for {remaining}")
        self.retry_after = max(1, ceil(remaining.total_seconds()))


@dataclass(frozen=True)
class Limits:
    """After how many failures within `window` there is a lock, and for how long; 0: addresses are not counted."""

    failures: int = 5
    address_failures: int = 50
    window: timedelta = timedelta(minutes=2)
    lock: timedelta = timedelta(minutes=5)


@dataclass(frozen=True)
class Source:
    """Who gives a password: a client at `address` for a phone, `user_id` if an account has it.

    With `session_id` the client has logged in already and gives the password to change it.
    """

    phone: str
    address: str
    user_id: int | None
    session_id: str | None = None


@dataclass(frozen=True)
class Subject:
    """What failures are counted for; `kind` is the word in the audit log."""

    kind: str
    value: str
    limit: int

    @property
    def key(self) -> str:
        """The primary key in the table, without personal data in it."""
        return sha256(f"{self.kind}:{self.value}".encode()).hexdigest()


def check(db_session: Session, source: Source, limits: Limits, now: datetime) -> None:
    """Raise Locked if a lock applies."""
    _raise_if_locked(_failures(db_session, source, limits, now), now)


def check_and_clear(db_session: Session, source: Source, limits: Limits, now: datetime) -> None:
    """Raise Locked if a lock applies, else forget the failures but those of the address; for a right password.

    Locks the rows, so that no failure before this one is missed.
    """
    rows = _failures(db_session, source, limits, now, lock_rows=True)
    _raise_if_locked(rows, now)
    address = _by_address(source, limits).key
    for row in rows:
        if row.subject != address:
            row.failures = 0


def count(db_session: Session, source: Source, limits: Limits, now: datetime) -> list[str]:
    """Count a failure and return the kinds of subjects that it locks. Raises Locked, uncounted, if there is a lock."""
    subjects = {subject.key: subject for subject in _subjects(db_session, source, limits, now)}
    window_ends_at = now + limits.window
    rows = _insert_and_lock(db_session, sorted(subjects), window_ends_at)
    _raise_if_locked(rows, now)
    locked = []
    for row in rows:
        if _ends_at(row) <= now:
            row.failures, row.locked_until, row.window_ends_at = 0, None, window_ends_at
        row.failures += 1
        if row.failures >= subjects[row.subject].limit:
            row.locked_until = now + limits.lock
            locked.append(subjects[row.subject].kind)
    return locked


def lift(db_session: Session, phone: str, user_id: int, now: datetime) -> None:
    """End the locks of a user's phone, at all addresses."""
    addresses = _addresses(db_session, user_id, now)
    subjects = [_by_phone(phone, Limits()), *(_by_known_address(phone, each, Limits()) for each in addresses)]
    condition = LoginFailures.subject.in_([subject.key for subject in subjects])
    db_session.execute(update(LoginFailures).where(condition).values(failures=0, locked_until=None))


def _subjects(db_session: Session, source: Source, limits: Limits, now: datetime) -> list[Subject]:
    if source.session_id is not None:
        return [_by_session(source.session_id, limits)]
    if _is_known(db_session, source, limits, now):
        return [_by_known_address(source.phone, network(source.address), limits)]
    by_address = [_by_address(source, limits)] if limits.address_failures and source.address else []
    return [_by_phone(source.phone, limits), *by_address]


def _by_phone(phone: str, limits: Limits) -> Subject:
    return Subject("phone", phone, limits.failures)


def _by_address(source: Source, limits: Limits) -> Subject:
    return Subject("address", network(source.address), limits.address_failures)


def _by_known_address(phone: str, address: str, limits: Limits) -> Subject:
    return Subject("phone+address", f"{phone} {address}", limits.failures)


def _by_session(session_id: str, limits: Limits) -> Subject:
    return Subject("session", session_id, limits.failures)


def _is_known(db_session: Session, source: Source, limits: Limits, now: datetime) -> bool:
    """Tell whether the user has logged in from this address before the failures that count now."""
    if source.user_id is None or not source.address:
        return False
    before = now - limits.window - limits.lock
    return network(source.address) in _addresses(db_session, source.user_id, before)


def _addresses(db_session: Session, user_id: int, before: datetime) -> set[str]:
    condition = LoginSession.user_id == user_id, LoginSession.created_at <= before
    found = db_session.scalars(select(LoginSession.address).where(*condition).distinct().limit(KNOWN_ADDRESSES))
    return {network(address) for address in found}


def _failures(
    db_session: Session, source: Source, limits: Limits, now: datetime, *, lock_rows: bool = False
) -> Sequence[LoginFailures]:
    """Return the rows that apply to the source and whose window or lock has not ended."""
    if source.session_id is not None:
        keys = {_by_session(source.session_id, limits).key}
    else:
        known = _by_known_address(source.phone, network(source.address), limits)
        keys = {_by_phone(source.phone, limits).key, _by_address(source, limits).key, known.key}
    query = select(LoginFailures).where(LoginFailures.subject.in_(keys)).order_by(LoginFailures.subject)
    rows = [row for row in db_session.scalars(query.with_for_update() if lock_rows else query) if _ends_at(row) > now]
    if not rows:  # as for most logins, which need not look at the sessions
        return []
    applicable = {subject.key for subject in _subjects(db_session, source, limits, now)}
    return [row for row in rows if row.subject in applicable]


def _insert_and_lock(db_session: Session, keys: Sequence[str], window_ends_at: datetime) -> Sequence[LoginFailures]:
    """Return the rows, new or not, locked in the order of `keys`, which is the same in every transaction.

    MySQL locks a row exclusively in an INSERT that finds it; INSERT IGNORE would share it, and two of them would then
    wait for each other.
    """
    values = [{"subject": key, "failures": 0, "window_ends_at": window_ends_at} for key in keys]
    if db_session.get_bind().dialect.name == "mysql":
        insert = mysql.insert(LoginFailures).values(values)
        db_session.execute(insert.on_duplicate_key_update(subject=LoginFailures.subject))
    else:
        db_session.execute(sqlite.insert(LoginFailures).values(values).on_conflict_do_nothing())
    query = select(LoginFailures).where(LoginFailures.subject.in_(keys)).order_by(LoginFailures.subject)
    return db_session.scalars(query.with_for_update()).all()


def _raise_if_locked(rows: Sequence[LoginFailures], now: datetime) -> None:
    remaining = [row.locked_until - now for row in rows if row.locked_until and row.locked_until > now]
    if remaining:
        raise Locked(max(remaining))


def _ends_at(row: LoginFailures) -> datetime:
    return row.locked_until or row.window_ends_at
