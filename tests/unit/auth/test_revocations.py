"""What ended is refused by every pod, and Redis has it, whatever else fails."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from fakeredis import FakeRedis, FakeServer
from sqlalchemy import create_engine, event, update
from sqlalchemy.orm import Session

from efishery_auth import sessions
from efishery_auth.database import Database, Endpoint
from efishery_auth.models import Base, LoginSession, User
from efishery_auth.origins import COMMAND_LINE
from efishery_auth.revocations import MARGIN, RevocationPublisher
from efishery_auth.sessions import EndReason, Lifetimes
from servicekit.revocations import KEY, MAX_ENTRIES, NOTHING, RevocationList, Revocations
from tests.unit.auth.servers import fail_statements

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
LIFETIME = timedelta(minutes=15)


def sqlite(path: Path) -> Endpoint:
    endpoint = Endpoint("primary", create_engine(f"sqlite:///{path}"))
    Base.metadata.create_all(endpoint.engine)
    return endpoint


@pytest.fixture
def primary(tmp_path: Path) -> Endpoint:
    endpoint = sqlite(tmp_path / "primary.db")
    user = User(id=7, name="Siti", phone="+628123", role="user", password_hash="", created_at=NOW)
    endpoint.write(lambda db_session: db_session.add(user))
    return endpoint


@pytest.fixture
def lagging(tmp_path: Path) -> Endpoint:
    """A replica that has nothing yet."""
    return sqlite(tmp_path / "replica.db")


@pytest.fixture
def redis_server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def redis(redis_server: FakeServer) -> FakeRedis:
    return FakeRedis(server=redis_server)


@pytest.fixture
def database(primary: Endpoint, lagging: Endpoint) -> Database:
    return Database(primary, lagging, primary)


@pytest.fixture
def revoked() -> RevocationList:
    return RevocationList()


@pytest.fixture
def publisher(database: Database, redis: FakeRedis, revoked: RevocationList) -> RevocationPublisher:
    return RevocationPublisher(database, redis, revoked, LIFETIME)


def ended_session(primary: Endpoint, now: datetime = NOW) -> str:
    """Start a session of the user, end it, and return its id."""

    def work(db_session: Session) -> str:
        user = db_session.get_one(User, 7)
        session, _ = sessions.start(db_session, user, now=now, origin=COMMAND_LINE, lifetimes=Lifetimes())
        db_session.flush()
        sessions.end(db_session, user.id, session.id, EndReason.LOGGED_OUT, now)
        return session.id

    return primary.write(work)


def stored(redis: FakeRedis) -> Revocations:
    return Revocations.loads(cast(bytes, redis.get(KEY)))


def test_sessions_and_users_are_refused_here_and_stored(
    publisher: RevocationPublisher, primary: Endpoint, redis: FakeRedis, revoked: RevocationList
) -> None:
    session_id = ended_session(primary)
    primary.write(lambda db_session: sessions.end_sessionless(db_session, 7, NOW))
    publisher.publish(NOW)
    moment = int(NOW.timestamp())
    assert revoked.current == stored(redis) == Revocations({session_id: moment}, {"7": moment}, 0)
    assert 0 < redis.ttl(KEY) <= (LIFETIME + MARGIN).total_seconds()


def test_the_tokens_of_a_session_that_a_newer_one_replaced_end_with_the_others(
    publisher: RevocationPublisher, primary: Endpoint, revoked: RevocationList
) -> None:
    def start(db_session: Session) -> str:
        user = db_session.get_one(User, 7)
        session, _ = sessions.start(db_session, user, now=NOW, origin=COMMAND_LINE, lifetimes=Lifetimes())
        return session.id

    ids = [primary.write(start) for _ in range(sessions.MAX_SESSIONS + 2)]
    publisher.publish(NOW)
    assert revoked.current == NOTHING, "a login takes no valid token away"
    later = NOW + timedelta(seconds=1)
    primary.write(lambda db_session: sessions.end_all(db_session, 7, EndReason.DISABLED, later))
    publisher.publish(later)
    assert revoked.current.sessions.keys() == set(ids)


def test_redis_is_written_only_when_something_changed(
    publisher: RevocationPublisher, primary: Endpoint, redis: FakeRedis
) -> None:
    ended_session(primary)
    publisher.publish(NOW)
    before = redis.get(KEY)
    publisher.publish(NOW + timedelta(seconds=1))
    assert redis.get(KEY) == before, "as_of would differ"


def test_a_redis_that_comes_back_empty_is_filled_again(
    publisher: RevocationPublisher, primary: Endpoint, redis: FakeRedis, redis_server: FakeServer
) -> None:
    session_id = ended_session(primary)
    publisher.publish(NOW)
    redis_server.connected = False
    publisher.publish(NOW)
    redis_server.connected = True
    redis.flushall()
    publisher.publish(NOW)
    assert session_id in stored(redis).sessions


@pytest.mark.parametrize("record", ["", "{}", "x" * 1000])
def test_a_corrupt_record_is_replaced(publisher: RevocationPublisher, redis: FakeRedis, record: str) -> None:
    redis.set(KEY, record)
    publisher.publish(NOW)
    assert stored(redis) == NOTHING


def test_without_redis_auth_refuses_all_the_same(
    publisher: RevocationPublisher, primary: Endpoint, redis_server: FakeServer, revoked: RevocationList
) -> None:
    redis_server.connected = False
    session_id = ended_session(primary)
    publisher.publish(NOW)
    assert session_id in revoked.current.sessions


def test_what_is_older_than_an_access_token_is_forgotten(
    publisher: RevocationPublisher, primary: Endpoint, redis: FakeRedis
) -> None:
    session_id = ended_session(primary)
    publisher.publish(NOW + LIFETIME + MARGIN)
    assert session_id in stored(redis).sessions
    publisher.publish(NOW + LIFETIME + MARGIN + timedelta(seconds=1))
    assert stored(redis) == NOTHING


def test_a_pod_that_reads_a_lagging_replica_takes_nothing_away(
    publisher: RevocationPublisher, primary: Endpoint, lagging: Endpoint, redis: FakeRedis
) -> None:
    session_id = ended_session(primary)
    publisher.publish(NOW)
    new_pod = RevocationList()
    RevocationPublisher(Database(primary, lagging, lagging), redis, new_pod, LIFETIME).publish(NOW)
    assert session_id in stored(redis).sessions
    assert session_id in new_pod.current.sessions


def test_what_is_known_remains_while_no_database_answers(
    publisher: RevocationPublisher, primary: Endpoint, lagging: Endpoint, revoked: RevocationList
) -> None:
    session_id = ended_session(primary)
    publisher.publish(NOW)
    for endpoint in (primary, lagging):
        fail_statements(endpoint.engine, 2013)
    publisher.publish(NOW)
    assert session_id in revoked.current.sessions


def test_a_replica_is_asked_when_the_primary_does_not_answer(
    primary: Endpoint, lagging: Endpoint, revoked: RevocationList
) -> None:
    session_id = ended_session(primary)
    replica, lost = primary, lagging
    fail_statements(lost.engine, 2013)
    RevocationPublisher(Database(lost, replica, lost), None, revoked, LIFETIME).publish(NOW)
    assert session_id in revoked.current.sessions


def test_past_the_bound_all_older_tokens_are_refused(
    publisher: RevocationPublisher, primary: Endpoint, revoked: RevocationList, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"user_id": 7, "family_hash": "", "token_hash": "", "address": "", "user_agent": ""}
    moments = dict.fromkeys(("created_at", "refreshed_at", "expires_at"), NOW)
    rows = [
        LoginSession(id=str(number), ended_at=NOW - timedelta(milliseconds=number), **values, **moments)
        for number in range(MAX_ENTRIES + 100)
    ]
    primary.write(lambda db_session: db_session.add_all(rows))
    publisher.publish(NOW)
    left_out, moment = rows[-1], int(NOW.timestamp())
    assert len(revoked.current.sessions) == MAX_ENTRIES
    assert left_out.id not in revoked.current.sessions
    assert revoked.revokes({"sub": "7", "sid": left_out.id, "iat": moment - 21})
    assert not revoked.revokes({"sub": "8", "sid": "active", "iat": moment})


def test_reads_are_bounded(publisher: RevocationPublisher, primary: Endpoint) -> None:
    sent: list[str] = []
    event.listen(primary.engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    publisher.publish(NOW)
    assert len(sent) == 2
    assert all("LIMIT" in statement for statement in sent)


def test_an_unchanged_session_is_not_read(publisher: RevocationPublisher, primary: Endpoint, redis: FakeRedis) -> None:
    session_id = ended_session(primary)
    primary.write(lambda db: db.execute(update(LoginSession).values(ended_at=None)))
    publisher.publish(NOW)
    assert session_id not in stored(redis).sessions
