"""Which tokens are refused, and that no entry is lost between pods."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit.revocations import CLOCK_SKEW_SECONDS, NOTHING, Revocations

ENTRIES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 100))
REVOCATIONS = st.builds(Revocations, ENTRIES, ENTRIES, st.integers(0, 100))


@pytest.mark.parametrize(
    ("claims", "refused"),
    [
        ({"sub": "1", "sid": "ended", "iat": 99}, True),
        ({"sub": "1", "sid": "active", "iat": 10}, False),
        ({"sub": "7", "sid": "active", "iat": 10}, False),
        ({"sub": "7", "iat": 49}, True),
        ({"sub": "7", "iat": 50}, True),
        ({"sub": "7", "iat": 51}, False),
        ({"sub": "1", "iat": 10}, False),
        ({"sub": "1"}, False),
    ],
    ids=str,
)
def test_tokens_with_a_session_follow_it_and_others_their_user(claims: dict[str, object], refused: bool) -> None:
    assert Revocations({"ended": 60}, {"7": 50}, 0).revokes(claims) is refused


@pytest.mark.parametrize("session", [{}, {"sid": "active"}])
def test_tokens_of_before_the_bound_are_refused(session: dict[str, str]) -> None:
    revocations = Revocations({}, {}, 100)
    assert revocations.revokes({"sub": "1", "iat": 99} | session)
    assert not revocations.revokes({"sub": "1", "iat": 100} | session)


@given(REVOCATIONS, REVOCATIONS)
def test_merging_loses_nothing_and_has_no_order(one: Revocations, other: Revocations) -> None:
    merged = one.merged(other)
    assert merged == other.merged(one) == merged.merged(one)
    assert merged.sessions.keys() == one.sessions.keys() | other.sessions.keys()
    assert all(merged.users[user] >= moment for each in (one, other) for user, moment in each.users.items())


@given(REVOCATIONS, st.integers(0, 4), st.sampled_from("abcdefgh"), st.integers(0, 100))
def test_no_token_of_an_ended_session_is_accepted_past_the_bound(
    revocations: Revocations, limit: int, session: str, issued_at: int
) -> None:
    claims = {"sub": "x", "sid": session, "iat": issued_at}
    trimmed = revocations.trimmed(0, limit)
    assert len(trimmed.sessions) <= limit
    assert len(trimmed.users) <= limit
    if session in revocations.sessions and issued_at <= revocations.sessions[session] + CLOCK_SKEW_SECONDS:
        assert trimmed.revokes(claims)


def test_what_has_expired_is_dropped() -> None:
    revocations = Revocations({"old": 9, "new": 10}, {"1": 9, "2": 10}, 9)
    assert revocations.trimmed(10) == Revocations({"new": 10}, {"2": 10}, 0)


@given(REVOCATIONS)
def test_a_record_can_be_read(revocations: Revocations) -> None:
    assert Revocations.loads(revocations.dumps(as_of=1)) == revocations


@pytest.mark.parametrize("record", [b"", b"{}", b"[]", b'{"sessions": [], "users": {}, "not_before": 0}'])
def test_another_record_is_no_empty_list(record: bytes) -> None:
    with pytest.raises(ValueError, match="Revocations"):
        Revocations.loads(record)
    assert not NOTHING.sessions
