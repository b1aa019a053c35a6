"""Locks after failed logins, on a real SQLite file. tests/e2e/test_locks.py has the same on MySQL."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session

from efishery_auth import locks
from efishery_auth.locks import Limits, Locked, Source
from efishery_auth.models import Base, LoginFailures, LoginSession, User, UTCDateTime

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = Limits()
PHONE, OTHER_PHONE, HOME, ELSEWHERE = "+628111111111", "+628222222222", "198.51.100.7", "203.0.113.9"
USER_ID = 1


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path}/locks.db", connect_args={"timeout": 60})
    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def db_session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


def log_in_from(db_session: Session, address: str, at: datetime) -> None:
    """Store a session of the user with `USER_ID`, who logged in from there."""
    user = User(id=USER_ID, name="Siti", phone=PHONE, role="user", password_hash="x", created_at=at)
    db_session.merge(user)
    db_session.flush()
    moments = {"created_at": at, "refreshed_at": at, "expires_at": at}
    hashes = {"family_hash": "x", "token_hash": "x"}
    db_session.add(
        LoginSession(
            id=f"{address} {at:%j%H%M%S}"[:22], user_id=USER_ID, address=address, user_agent="", **moments, **hashes
        )
    )
    db_session.flush()


def from_address(address: str, phone: str = PHONE, user_id: int | None = USER_ID) -> Source:
    return Source(phone, address, user_id)


def fail(db_session: Session, source: Source, times: int, now: datetime = NOW, limits: Limits = LIMITS) -> list[str]:
    """Count that many failures; return what they locked."""
    kinds = []
    for _ in range(times):
        kinds += locks.count(db_session, source, limits, now)
        db_session.flush()
        db_session.expire_all()  # as the next transaction reads it
    return kinds


def remaining(db_session: Session, source: Source, now: datetime, limits: Limits = LIMITS) -> int:
    """Return for how many seconds the source is locked; 0 if it is not."""
    try:
        locks.check(db_session, source, limits, now)
    except Locked as locked:
        return locked.retry_after
    return 0


def test_the_last_failure_locks_the_phone_at_every_address_for_its_whole_time(db_session: Session) -> None:
    assert fail(db_session, from_address(ELSEWHERE), 4) == []
    assert remaining(db_session, from_address(ELSEWHERE), NOW) == 0
    assert fail(db_session, from_address(HOME), 1) == ["phone"]
    for address in (HOME, ELSEWHERE):
        assert remaining(db_session, from_address(address), NOW) == 300
        assert remaining(db_session, from_address(address), NOW + timedelta(seconds=299.9)) == 1
        assert remaining(db_session, from_address(address), NOW + timedelta(seconds=300)) == 0
    assert remaining(db_session, from_address(HOME, OTHER_PHONE), NOW) == 0


def test_attempts_during_a_lock_are_not_counted_and_do_not_extend_it(db_session: Session) -> None:
    fail(db_session, from_address(HOME), 5)
    with pytest.raises(Locked) as locked:
        fail(db_session, from_address(HOME), 1, NOW + timedelta(seconds=100))
    assert locked.value.retry_after == 200
    after = NOW + timedelta(seconds=300)
    assert fail(db_session, from_address(HOME), 4, after) == []
    assert fail(db_session, from_address(HOME), 1, after) == ["phone"]


def test_failures_of_an_earlier_window_do_not_count(db_session: Session) -> None:
    fail(db_session, from_address(HOME), 4)
    assert fail(db_session, from_address(HOME), 4, NOW + LIMITS.window) == []


def test_a_phone_without_an_account_is_locked_alike(db_session: Session) -> None:
    source = from_address(HOME, OTHER_PHONE, None)
    assert fail(db_session, source, 5) == ["phone"]
    assert remaining(db_session, source, NOW) == 300


def test_an_address_is_locked_for_all_phones(db_session: Session) -> None:
    locked = [fail(db_session, from_address(HOME, f"+62800000{number:04}", None), 1) for number in range(50)]
    assert [kinds for kinds in locked if kinds] == [["address"]]
    assert locked[-1] == ["address"]
    assert remaining(db_session, from_address(HOME, OTHER_PHONE, None), NOW) == 300
    assert remaining(db_session, from_address(ELSEWHERE, OTHER_PHONE, None), NOW) == 0


def test_addresses_need_not_be_counted(db_session: Session) -> None:
    limits = Limits(address_failures=0)
    for number in range(100):
        assert fail(db_session, from_address(HOME, f"+62800000{number:04}", None), 1, limits=limits) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_ipv6_addresses_of_one_network_are_one_client(db_session: Session, one: str, other: str, same: bool) -> None:
    limits = Limits(address_failures=1)
    fail(db_session, from_address(one, OTHER_PHONE, None), 1, limits=limits)
    assert bool(remaining(db_session, from_address(other), NOW, limits)) == same


def test_a_lock_keeps_nobody_out_who_has_logged_in_from_there_before(db_session: Session) -> None:
    log_in_from(db_session, HOME, NOW - timedelta(days=3))
    fail(db_session, from_address(ELSEWHERE), 5)
    assert remaining(db_session, from_address(ELSEWHERE), NOW) == 300
    assert remaining(db_session, from_address(HOME), NOW) == 0
    assert fail(db_session, from_address(HOME), 5) == ["phone+address"], "with a count of its own"
    assert remaining(db_session, from_address(HOME), NOW) == 300


def test_failures_at_a_known_address_lock_nobody_else(db_session: Session) -> None:
    log_in_from(db_session, HOME, NOW - timedelta(days=3))
    limits = Limits(address_failures=5)
    fail(db_session, from_address(HOME), 5, limits=limits)
    assert remaining(db_session, from_address(ELSEWHERE), NOW, limits) == 0
    assert remaining(db_session, from_address(HOME, OTHER_PHONE, None), NOW, limits) == 0


def test_others_at_the_same_address_cannot_lock_it_for_who_is_known_there(db_session: Session) -> None:
    log_in_from(db_session, HOME, NOW - timedelta(days=3))
    for number in range(50):
        fail(db_session, from_address(HOME, f"+62800000{number:04}", None), 1)
    assert remaining(db_session, from_address(HOME), NOW) == 0
    assert remaining(db_session, from_address(HOME, OTHER_PHONE, None), NOW) == 300


def test_a_login_during_the_attack_makes_no_address_known(db_session: Session) -> None:
    log_in_from(db_session, HOME, NOW - LIMITS.window - LIMITS.lock + timedelta(seconds=1))
    fail(db_session, from_address(ELSEWHERE), 5)
    assert remaining(db_session, from_address(HOME), NOW) == 300


def test_another_users_session_makes_no_address_known(db_session: Session) -> None:
    log_in_from(db_session, HOME, NOW - timedelta(days=3))
    fail(db_session, from_address(ELSEWHERE, OTHER_PHONE, 2), 5)
    assert remaining(db_session, from_address(HOME, OTHER_PHONE, 2), NOW) == 300


def test_a_right_password_clears_the_count_of_the_phone_not_of_the_address(db_session: Session) -> None:
    limits = Limits(address_failures=8)
    fail(db_session, from_address(HOME), 4, limits=limits)
    locks.check_and_clear(db_session, from_address(HOME), limits, NOW)
    assert fail(db_session, from_address(HOME), 4, limits=limits) == ["address"]


def test_a_right_password_does_not_get_past_a_lock(db_session: Session) -> None:
    fail(db_session, from_address(HOME), 5)
    with pytest.raises(Locked):
        locks.check_and_clear(db_session, from_address(HOME), LIMITS, NOW)


def test_within_a_session_failures_count_for_the_session_alone(db_session: Session) -> None:
    fail(db_session, from_address(HOME), 5)
    in_session = Source(PHONE, HOME, USER_ID, session_id="s1")
    assert remaining(db_session, in_session, NOW) == 0
    assert fail(db_session, in_session, 5) == ["session"]
    assert remaining(db_session, in_session, NOW) == 300
    assert remaining(db_session, Source(PHONE, HOME, USER_ID, session_id="s2"), NOW) == 0


def test_lifting_ends_the_locks_of_one_phone_at_all_addresses(db_session: Session) -> None:
    log_in_from(db_session, HOME, NOW - timedelta(days=3))
    fail(db_session, from_address(HOME), 5)
    fail(db_session, from_address(ELSEWHERE), 5)
    fail(db_session, from_address(ELSEWHERE, OTHER_PHONE, None), 5)
    locks.lift(db_session, PHONE, USER_ID, NOW)
    assert remaining(db_session, from_address(HOME), NOW) == 0
    assert remaining(db_session, from_address(ELSEWHERE), NOW) == 0
    assert remaining(db_session, from_address(ELSEWHERE, OTHER_PHONE, None), NOW) == 300


def test_the_table_has_neither_phones_nor_addresses(db_session: Session) -> None:
    fail(db_session, from_address(HOME), 1)
    subjects = db_session.scalars(select(LoginFailures.subject)).all()
    assert len(subjects) == 2
    assert all(len(subject) == 64 and set(subject) <= set("0123456789abcdef") for subject in subjects)


def test_moments_that_the_database_rounds_up_lose_no_failure(
    db_session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rounded_up(_self: UTCDateTime, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return value and value.replace(tzinfo=None, microsecond=0) + timedelta(seconds=1)

    monkeypatch.setattr(UTCDateTime, "process_bind_param", rounded_up)
    limits = Limits(address_failures=0)
    assert fail(db_session, from_address(HOME, user_id=None), 4, limits=limits) == []
    locks.check_and_clear(db_session, from_address(HOME, user_id=None), limits, NOW)
    db_session.flush()
    db_session.expire_all()
    kinds = [
        fail(db_session, from_address(HOME, user_id=None), 1, NOW + timedelta(seconds=n), limits) for n in range(5)
    ]
    assert kinds == [[]] * 4 + [["phone"]]


def test_no_failure_is_lost_of_200_at_once(engine: Engine) -> None:
    outcomes = in_threads(200, lambda: attempt(engine, from_address(HOME, user_id=None), NOW))
    assert outcomes == {"failed": 5, "locked": 195}


def in_threads(count: int, work: Callable[[], str]) -> Counter[str]:
    barrier = threading.Barrier(count)

    def run(_number: int) -> str:
        barrier.wait(30)
        return work()

    with ThreadPoolExecutor(count) as threads:
        return Counter(threads.map(run, range(count)))


def attempt(engine: Engine, source: Source, now: datetime, limits: Limits = LIMITS) -> str:
    """Count a failure in a transaction of its own, without looking at the locks beforehand."""
    with Session(engine) as db_session, db_session.begin():
        db_session.connection().exec_driver_sql("BEGIN IMMEDIATE")
        try:
            locks.count(db_session, source, limits, now)
        except Locked:
            return "locked"
        return "failed"


@given(
    steps=st.lists(st.tuples(st.integers(0, 90), st.sampled_from([HOME, ELSEWHERE, ""])), max_size=60),
    failures=st.integers(1, 4),
    lock=st.integers(120, 400),
)
@hypothesis_settings(max_examples=60)
def test_whatever_the_order_few_passwords_are_tried_and_every_lock_ends(
    steps: list[tuple[int, str]], failures: int, lock: int
) -> None:
    limits = Limits(failures=failures, address_failures=10, lock=timedelta(seconds=lock))
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    now, tried = NOW, list[datetime]()
    with Session(engine) as db_session:
        for seconds, address in steps:
            now += timedelta(seconds=seconds)
            source = from_address(address, user_id=None)
            locked = remaining(db_session, source, now, limits)
            assert locked <= lock
            assert remaining(db_session, source, now + timedelta(seconds=locked), limits) == 0
            with pytest.raises(Locked) if locked else nullcontext():
                locks.count(db_session, source, limits, now)
            tried += [] if locked else [now]
    # A period as long as a window overlaps two windows, and a lock follows the last failure of a full one.
    for first in tried:
        assert sum(first <= each < first + limits.window for each in tried) < 2 * failures
    engine.dispose()
