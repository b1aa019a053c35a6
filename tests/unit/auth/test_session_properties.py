"""Whatever the order of logins, uses and replays: a used refresh token gives nothing, and a session has one at most."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from efishery_auth import sessions
from efishery_auth.models import Base, LoginSession, User
from efishery_auth.origins import COMMAND_LINE
from efishery_auth.refresh_tokens import InvalidRefreshToken, RefreshToken
from efishery_auth.sessions import EndReason, Lifetimes, RefreshedJustNow

LIFETIMES = Lifetimes(idle=timedelta(minutes=10), whole=timedelta(minutes=30), grace=timedelta(seconds=3))


class RefreshTokens(RuleBasedStateMachine):
    """Clients that log in, refresh, replay, log out and wait. `usable` is what the service should still accept."""

    live = Bundle("live")

    def __init__(self) -> None:
        super().__init__()
        engine = create_engine("sqlite://")
        Base.metadata.create_all(engine)
        self.db_session = Session(engine)
        self.now = datetime(2026, 11, 22, 8, tzinfo=UTC)
        self.user = User(name="Siti", phone="+628123", role="user", password_hash="", created_at=self.now)
        self.db_session.add(self.user)
        self.db_session.commit()
        self.usable: dict[str, RefreshToken] = {}
        self.history: list[RefreshToken] = []  # all that have been used
        self.ended: set[str] = set()

    @rule(target=live)
    def log_in(self) -> RefreshToken:
        _, token = sessions.start(self.db_session, self.user, now=self.now, origin=COMMAND_LINE, lifetimes=LIFETIMES)
        self.db_session.commit()
        self.usable[token.session_id] = token
        return token

    @rule(target=live, token=consumes(live))
    def use(self, token: RefreshToken) -> object:
        successor = self._submit(token)
        if successor is None:
            assert not self._is_active(token), "only a session that has ended or expired refuses its last token"
            return multiple()
        self.history.append(token)
        self.usable[token.session_id] = successor
        return successor

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        if self.history:
            assert self._submit(data.draw(st.sampled_from(self.history))) is None

    @rule(data=st.data())
    def guess(self, data: st.DataObject) -> None:
        if self.usable:
            known = data.draw(st.sampled_from(list(self.usable.values())))
            was_active = self._is_active(known)
            assert self._submit(RefreshToken(known.session_id, RefreshToken.new().family, known.turn)) is None
            assert self._is_active(known) == was_active

    @rule(token=live)
    def log_out(self, token: RefreshToken) -> None:
        sessions.end(self.db_session, self.user.id, token.session_id, EndReason.LOGGED_OUT, self.now)
        self.db_session.commit()

    @rule(seconds=st.sampled_from([1, 3, 4, 60, 600, 1800]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def a_session_that_has_ended_stays_so(self) -> None:
        inactive = {session_id for session_id, token in self.usable.items() if not self._is_active(token)}
        assert self.ended <= inactive
        self.ended = inactive

    @invariant()
    def the_last_token_is_the_only_one_that_is_stored(self) -> None:
        for session_id, token in self.usable.items():
            assert self.db_session.get_one(LoginSession, session_id).token_hash == token.turn_hash

    def teardown(self) -> None:
        self.db_session.close()

    def _submit(self, token: RefreshToken) -> RefreshToken | None:
        try:
            _, successor = sessions.refresh(self.db_session, token, now=self.now, lifetimes=LIFETIMES)
        except (InvalidRefreshToken, RefreshedJustNow):
            self.db_session.rollback()
            return None
        self.db_session.commit()
        return successor

    def _is_active(self, token: RefreshToken) -> bool:
        return token.session_id in {each.id for each in sessions.active(self.db_session, self.user.id, self.now)}


TestRefreshTokens = RefreshTokens.TestCase
TestRefreshTokens.settings = settings(max_examples=40, stateful_step_count=25)
