"""Locks as clients of POST /auth/login meet them."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from efishery_auth import create_app, sessions
from efishery_auth.audit import Action
from efishery_auth.database import Database
from efishery_auth.models import AuditEvent, User
from efishery_auth.origins import Origin
from efishery_auth.passwords import LEAST_CHOSEN_KIB
from efishery_auth.sessions import Lifetimes
from efishery_auth.settings import AuthSettings
from efishery_auth.state import EXTENSION
from tests.unit.auth.conftest import ADMIN_PASSWORD, ADMIN_PHONE

UNKNOWN_PHONE, ATTACKER = "+628999999999", "203.0.113.9"
NOWHERE = "mysql+pymysql://nobody@127.0.0.1:1/none"


@pytest.fixture
def settings(settings: AuthSettings) -> AuthSettings:
    return settings.model_copy(update={"trusted_proxies": 1, "hash_queue": 300, "password_hash_kib": LEAST_CHOSEN_KIB})


@pytest.fixture
def database(app: Flask) -> Database:
    found: Database = app.extensions[EXTENSION].database
    return found


def log_in(client: FlaskClient, phone: str, password: str, address: str = "127.0.0.1") -> TestResponse:
    form = {"phone": phone, "password": password}
    return client.post("/auth/login", json=form, headers={"X-Forwarded-For": address})


def statuses(client: FlaskClient, phone: str, password: str, times: int) -> list[int]:
    return [log_in(client, phone, password).status_code for _ in range(times)]


def events(database: Database) -> list[tuple[str, str | None, int | None, str | None]]:
    rows = database.primary.read(
        lambda db_session: db_session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    )
    return [
        (row.action, row.details, row.user_id, row.phone) for row in rows if row.action in ("login_failed", "locked")
    ]


def remember_address(database: Database, address: str) -> None:
    """Store a session from there, of the admin, some days ago."""
    at, origin = datetime.now(UTC) - timedelta(days=3), Origin(address, "", "")

    def start(db_session: Session) -> None:
        user = db_session.scalars(select(User).where(User.phone == ADMIN_PHONE)).one()
        sessions.start(db_session, user, now=at, origin=origin, lifetimes=Lifetimes())

    database.primary.write(start)


@pytest.mark.parametrize("phone", [ADMIN_PHONE, UNKNOWN_PHONE])
def test_after_five_failures_even_the_right_password_is_answered_429(client: FlaskClient, phone: str) -> None:
    assert statuses(client, phone, "wrong", 7) == [401] * 5 + [429] * 2
    answer = log_in(client, phone, ADMIN_PASSWORD)
    assert answer.status_code == answer.get_json()["status"] == 429
    assert 290 <= int(answer.headers["Retry-After"]) <= 300


def test_locked_phones_with_and_without_account_are_answered_alike(client: FlaskClient) -> None:
    answers = []
    for phone in (ADMIN_PHONE, UNKNOWN_PHONE):
        statuses(client, phone, "wrong", 5)
        answers.append(log_in(client, phone, "wrong").get_json() | {"msg": ""})
    assert answers[0] == answers[1]


def test_a_right_password_clears_the_count(client: FlaskClient) -> None:
    for _ in range(3):
        assert statuses(client, ADMIN_PHONE, "wrong", 4) == [401] * 4
        assert statuses(client, ADMIN_PHONE, ADMIN_PASSWORD, 1) == [200]


def test_failures_and_locks_are_in_the_audit_log(client: FlaskClient, database: Database) -> None:
    statuses(client, ADMIN_PHONE, "wrong", 7)
    statuses(client, UNKNOWN_PHONE, "wrong", 1)
    failed = ("login_failed", None, 1, None)
    assert events(database) == [failed] * 5 + [
        ("locked", "phone", 1, None),
        ("login_failed", None, None, "**********999"),
    ]


def test_the_owner_is_not_kept_out_of_a_known_address(client: FlaskClient, database: Database) -> None:
    remember_address(database, "198.51.100.7")
    for _ in range(6):
        log_in(client, ADMIN_PHONE, "wrong", ATTACKER)
    assert log_in(client, ADMIN_PHONE, ADMIN_PASSWORD, ATTACKER).status_code == 429
    assert log_in(client, ADMIN_PHONE, ADMIN_PASSWORD, "198.51.100.7").status_code == 200
    forged = f"198.51.100.7, {ATTACKER}"
    assert log_in(client, ADMIN_PHONE, ADMIN_PASSWORD, forged).status_code == 429


def test_an_address_that_guesses_many_phones_is_locked(client: FlaskClient, settings: AuthSettings) -> None:
    few = create_app(settings.model_copy(update={"lock_address_failures": 3})).test_client()
    answers = [log_in(few, f"+62800000000{number}", "wrong", ATTACKER).status_code for number in range(5)]
    assert answers == [401] * 3 + [429] * 2
    assert log_in(few, ADMIN_PHONE, ADMIN_PASSWORD, ATTACKER).status_code == 429
    assert log_in(few, ADMIN_PHONE, ADMIN_PASSWORD, "198.51.100.7").status_code == 200


@pytest.mark.timeout(120)
def test_of_200_wrong_passwords_at_once_five_are_answered_401(app: Flask, database: Database) -> None:
    with ThreadPoolExecutor(200) as threads:
        answers = list(threads.map(lambda _: log_in(app.test_client(), ADMIN_PHONE, "wrong").status_code, range(200)))
    assert sorted(answers) == [401] * 5 + [429] * 195
    assert [action for action, *_ in events(database)] == ["login_failed"] * 5 + ["locked"]


@pytest.mark.timeout(120)
def test_a_right_password_among_many_wrong_ones_at_once_gets_past_no_lock(app: Flask, database: Database) -> None:
    passwords = ["wrong"] * 40 + [ADMIN_PASSWORD] + ["wrong"] * 40
    with ThreadPoolExecutor(81) as threads:
        answers = list(threads.map(lambda each: log_in(app.test_client(), ADMIN_PHONE, each).status_code, passwords))
    # The right one clears the count, if it comes before the lock.
    assert answers.count(401) <= 5 + (4 if 200 in answers else 0)
    assert answers.count(200) <= 1
    assert set(answers) <= {200, 401, 429}


def test_without_the_primary_a_right_password_logs_in_and_no_lock_is_forgotten(
    client: FlaskClient, settings: AuthSettings
) -> None:
    urls = {"database_url": NOWHERE, "database_read_url": settings.database_url}
    without_primary = create_app(settings.model_copy(update=urls)).test_client()
    assert log_in(without_primary, ADMIN_PHONE, ADMIN_PASSWORD).status_code == 200
    assert log_in(without_primary, ADMIN_PHONE, "wrong").status_code == 503
    statuses(client, ADMIN_PHONE, "wrong", 5)
    assert log_in(without_primary, ADMIN_PHONE, ADMIN_PASSWORD).status_code == 429


def test_a_disabled_user_is_answered_like_a_wrong_password(client: FlaskClient, database: Database) -> None:
    wrong = log_in(client, ADMIN_PHONE, "wrong").get_json()

    def disable(db_session: Session) -> None:
        db_session.scalars(select(User).where(User.phone == ADMIN_PHONE)).one().disabled_at = datetime.now(UTC)

    database.primary.write(disable)
    assert log_in(client, ADMIN_PHONE, ADMIN_PASSWORD).get_json() == wrong


def test_a_lock_ends(client: FlaskClient, settings: AuthSettings) -> None:
    short = create_app(settings.model_copy(update={"lock_failures": 1, "lock_seconds": 1})).test_client()
    assert log_in(short, ADMIN_PHONE, "wrong").status_code == 401
    locked = log_in(short, ADMIN_PHONE, ADMIN_PASSWORD)
    assert (locked.status_code, locked.headers["Retry-After"]) == (429, "1")
    time.sleep(1.1)
    assert log_in(short, ADMIN_PHONE, ADMIN_PASSWORD).status_code == 200


def counted(action: str) -> float:
    return REGISTRY.get_sample_value("auth_audit_events_total", {"action": action}) or 0


def test_events_of_the_audit_log_are_counted(client: FlaskClient) -> None:
    before = {action: counted(action) for action in ("login_failed", "locked", "logged_in")}
    log_in(client, ADMIN_PHONE, ADMIN_PASSWORD)
    statuses(client, UNKNOWN_PHONE, "wrong", 6)
    after = {action: counted(action) - number for action, number in before.items()}
    assert after == {"login_failed": 5, "locked": 1, "logged_in": 1}


def test_counts_of_events_begin_at_zero() -> None:
    counters = next(metric for metric in REGISTRY.collect() if metric.name == "auth_audit_events")
    assert {sample.labels["action"] for sample in counters.samples} == {action.value for action in Action}
