"""What happens to sessions and refresh tokens, in one transaction after another."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from efishery_auth import sessions
from efishery_auth.models import Base, LoginSession, User
from efishery_auth.origins import Origin
from efishery_auth.refresh_tokens import InvalidRefreshToken, RefreshToken
from efishery_auth.sessions import MAX_SESSIONS, EndReason, Lifetimes, RefreshedJustNow

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
ORIGIN = Origin(address="203.0.113.7", user_agent="curl/8", request_id="r")
LIFETIMES = Lifetimes(idle=timedelta(days=7), whole=timedelta(days=30), grace=timedelta(seconds=3))
LATER = timedelta(minutes=1)

T = TypeVar("T")
Commit = Callable[[Callable[[Session], T]], T]


@pytest.fixture
def users() -> list[User]:
    return [
        User(id=number, name="Siti", phone=f"+62812345678{number}", role="user", password_hash="", created_at=NOW)
        for number in (1, 2)
    ]


@pytest.fixture
def db_session(users: list[User]) -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine, expire_on_commit=False) as session:
        session.add_all(users)
        session.commit()
        yield session


@pytest.fixture
def user(users: list[User]) -> User:
    return users[0]


def start(db_session: Session, user: User, now: datetime = NOW) -> RefreshToken:
    _, token = sessions.start(db_session, user, now=now, origin=ORIGIN, lifetimes=LIFETIMES)
    db_session.commit()
    return token


def refresh(db_session: Session, token: RefreshToken, now: datetime) -> RefreshToken | None:
    _, successor = sessions.refresh(db_session, token, now=now, lifetimes=LIFETIMES)
    db_session.commit()
    return successor


def row(db_session: Session, token: RefreshToken) -> LoginSession:
    found = db_session.get_one(LoginSession, token.session_id)
    db_session.refresh(found)
    return found


def assert_refused(db_session: Session, token: RefreshToken, now: datetime) -> None:
    with pytest.raises(InvalidRefreshToken):
        refresh(db_session, token, now)
    db_session.rollback()


def test_a_token_is_replaced_by_one_of_the_same_session(db_session: Session, user: User) -> None:
    first = start(db_session, user)
    second = refresh(db_session, first, NOW + LATER)
    assert second is not None
    assert (second.session_id, second.family) == (first.session_id, first.family)
    assert second.turn != first.turn
    assert row(db_session, second).refreshed_at == NOW + LATER
    assert refresh(db_session, second, NOW + 2 * LATER) is not None


def test_neither_family_nor_turn_is_stored(db_session: Session, user: User) -> None:
    token = start(db_session, user)
    stored = {str(value) for name, value in vars(row(db_session, token)).items() if not name.startswith("_")}
    assert token.session_id in stored
    assert not {token.family, token.turn, str(token)} & stored


def test_a_token_that_was_used_ends_its_session_only(db_session: Session, user: User) -> None:
    first, other = start(db_session, user), start(db_session, user)
    second = refresh(db_session, first, NOW + LATER)
    assert second is not None
    assert refresh(db_session, first, NOW + 2 * LATER) is None
    assert row(db_session, first).end_reason == EndReason.REFRESH_TOKEN_REUSED
    assert_refused(db_session, second, NOW + 2 * LATER)
    assert refresh(db_session, other, NOW + 2 * LATER) is not None


def test_a_token_used_long_before_ends_its_session(db_session: Session, user: User) -> None:
    first = start(db_session, user)
    second = refresh(db_session, first, NOW + LATER)
    assert second is not None
    refresh(db_session, second, NOW + LATER + timedelta(seconds=1))
    assert refresh(db_session, first, NOW + LATER + timedelta(seconds=2)) is None, "it is not the last one"


def test_a_double_submission_within_the_grace_does_no_harm(db_session: Session, user: User) -> None:
    first = start(db_session, user)
    second = refresh(db_session, first, NOW)
    assert second is not None
    for after in (timedelta(0), LIFETIMES.grace):
        with pytest.raises(RefreshedJustNow):
            refresh(db_session, first, NOW + after)
        db_session.rollback()
    assert refresh(db_session, second, NOW + LIFETIMES.grace) is not None


def test_after_the_grace_it_is_a_theft(db_session: Session, user: User) -> None:
    first = start(db_session, user)
    refresh(db_session, first, NOW)
    assert refresh(db_session, first, NOW + LIFETIMES.grace + timedelta(milliseconds=1)) is None


def test_who_knows_only_the_id_cannot_end_the_session(db_session: Session, user: User) -> None:
    token, stranger = start(db_session, user), RefreshToken.new()
    for forged in (
        RefreshToken(token.session_id, stranger.family, stranger.turn),
        RefreshToken(token.session_id, stranger.family, token.turn),
        RefreshToken(stranger.session_id, token.family, token.turn),
    ):
        assert_refused(db_session, forged, NOW + LATER)
    assert row(db_session, token).ended_at is None
    assert refresh(db_session, token, NOW + LATER) is not None


def test_a_session_that_is_not_refreshed_expires(db_session: Session, user: User) -> None:
    token = start(db_session, user)
    assert_refused(db_session, token, NOW + LIFETIMES.idle)
    successor = refresh(db_session, token, NOW + LIFETIMES.idle - timedelta(seconds=1))
    assert successor is not None
    assert row(db_session, successor).expires_at == NOW + 2 * LIFETIMES.idle - timedelta(seconds=1)


def test_a_session_that_is_refreshed_expires_all_the_same(db_session: Session, user: User) -> None:
    token: RefreshToken | None = start(db_session, user)
    now = NOW
    while now + LIFETIMES.idle / 2 < NOW + LIFETIMES.whole:
        now += LIFETIMES.idle / 2
        assert token is not None
        token = refresh(db_session, token, now)
    assert token is not None
    assert row(db_session, token).expires_at == NOW + LIFETIMES.whole
    assert_refused(db_session, token, NOW + LIFETIMES.whole)


@pytest.mark.parametrize("text", ["", "x" * 65, "x" * 67, "x" * 65 + "\n", "x" * 65 + "=", "\u00e9" * 66])
def test_what_is_no_token_is_not_looked_up(text: str) -> None:
    with pytest.raises(InvalidRefreshToken):
        RefreshToken.parse(text)


def test_tokens_survive_their_text() -> None:
    token = RefreshToken.new()
    assert RefreshToken.parse(str(token)) == token


def test_end_is_for_active_sessions_of_the_user(db_session: Session, users: list[User]) -> None:
    mine, foreign = start(db_session, users[0]), start(db_session, users[1])
    expired = start(db_session, users[0], NOW - LIFETIMES.idle)

    def end(token: RefreshToken) -> bool:
        return sessions.end(db_session, users[0].id, token.session_id, EndReason.ENDED_BY_USER, NOW)

    assert [end(token) for token in (mine, mine, foreign, expired)] == [True, False, False, False]
    db_session.commit()
    assert row(db_session, mine).end_reason == EndReason.ENDED_BY_USER
    assert row(db_session, foreign).ended_at is row(db_session, expired).ended_at is None
    assert_refused(db_session, mine, NOW)


def test_active_lists_those_of_the_user_that_can_be_refreshed(db_session: Session, users: list[User]) -> None:
    first, second, ended = (start(db_session, users[0]) for _ in range(3))
    start(db_session, users[1])
    start(db_session, users[0], NOW - LIFETIMES.idle)
    sessions.end(db_session, users[0].id, ended.session_id, EndReason.LOGGED_OUT, NOW)
    refresh(db_session, second, NOW + LATER)
    found = sessions.active(db_session, users[0].id, NOW + LATER)
    assert [each.id for each in found] == [second.session_id, first.session_id]


@pytest.mark.parametrize("keeps_one", [True, False])
def test_end_all_ends_the_others_and_tokens_without_a_session(
    db_session: Session, users: list[User], keeps_one: bool
) -> None:
    kept, other, foreign = (start(db_session, users[number]) for number in (0, 0, 1))
    except_id = kept.session_id if keeps_one else None
    sessions.end_all(db_session, users[0].id, EndReason.PASSWORD_CHANGED, NOW, except_id=except_id)
    db_session.commit()
    assert row(db_session, other).end_reason == EndReason.PASSWORD_CHANGED
    assert (row(db_session, kept).ended_at is None) is keeps_one
    assert row(db_session, foreign).ended_at is None
    db_session.expire_all()
    assert [db_session.get_one(User, user.id).tokens_not_before for user in users] == [NOW, None]


def test_the_session_that_was_refreshed_last_is_not_the_one_to_make_room(db_session: Session, user: User) -> None:
    tokens = [start(db_session, user, NOW + timedelta(seconds=number)) for number in range(MAX_SESSIONS)]
    refresh(db_session, tokens[0], NOW + LATER)
    start(db_session, user, NOW + LATER)
    active = {each.id for each in sessions.active(db_session, user.id, NOW + LATER)}
    assert len(active) == MAX_SESSIONS
    assert tokens[0].session_id in active
    assert row(db_session, tokens[1]).end_reason == EndReason.TOO_MANY
