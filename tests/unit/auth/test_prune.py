from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from efishery_auth import pruning
from efishery_auth.database import Database
from efishery_auth.models import AuditEvent, LoginFailures, LoginSession
from efishery_auth.state import EXTENSION
from tests.unit.auth.test_commands import run

NOW = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)


@pytest.fixture
def database(app: Flask) -> Database:
    found: Database = app.extensions[EXTENSION].database
    return found


def add(database: Database, *rows: object) -> None:
    database.primary.write(lambda db_session: db_session.add_all(rows))


def stored(database: Database, column: InstrumentedAttribute[str] | InstrumentedAttribute[int]) -> set[object]:
    return set(database.primary.read(lambda db_session: db_session.scalars(select(column)).all()))


def login_session(name: str, *, expired: int, ended: int | None = None) -> LoginSession:
    """Make a session that expired and ended so many days ago."""
    moments = {"created_at": NOW, "refreshed_at": NOW, "expires_at": NOW - timedelta(days=expired)}
    ended_at = None if ended is None else NOW - timedelta(days=ended)
    texts = {"family_hash": "", "token_hash": "", "address": "", "user_agent": ""}
    return LoginSession(id=name, user_id=1, ended_at=ended_at, **moments, **texts)


def failures(name: str, *, window: int, lock: int | None = None) -> LoginFailures:
    """Make a count whose window and lock ended so many days ago."""
    locked_until = None if lock is None else NOW - timedelta(days=lock)
    return LoginFailures(
        subject=name, failures=1, window_ends_at=NOW - timedelta(days=window), locked_until=locked_until
    )


def audit_event(days: int) -> AuditEvent:
    return AuditEvent(id=days, occurred_at=NOW - timedelta(days=days), action="x", address="", request_id="")


def test_what_is_old_is_deleted_and_nothing_else(database: Database) -> None:
    add(
        database,
        login_session("active", expired=-1),
        login_session("expired", expired=29),
        login_session("ended", expired=-1, ended=29),
        login_session("expired long ago", expired=31),
        login_session("ended long ago", expired=-1, ended=31),
        failures("current", window=0),
        failures("locked", window=2, lock=-1),
        failures("old", window=2),
        failures("old lock", window=2, lock=2),
        audit_event(364),
        audit_event(366),
    )
    assert pruning.prune(database.primary, NOW, YEAR) == {"sessions": 2, "login_failures": 2, "audit_events": 1}
    assert stored(database, LoginSession.id) == {"active", "expired", "ended"}
    assert stored(database, LoginFailures.subject) == {"current", "locked"}
    assert stored(database, AuditEvent.id) >= {364}
    assert 366 not in stored(database, AuditEvent.id)


def test_more_rows_than_a_batch_are_deleted(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    add(database, *(audit_event(366 + number) for number in range(5)))
    assert pruning.prune(database.primary, NOW, YEAR)["audit_events"] == 5


def test_the_command_can_be_repeated(app: Flask, commands_app: Flask, database: Database) -> None:
    add(database, failures("old", window=2))
    assert run(commands_app, "prune")[0] == 0
    assert run(commands_app, "prune")[0] == 0
    assert stored(database, LoginFailures.subject) == set()
