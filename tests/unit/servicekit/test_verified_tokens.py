"""Only tokens that were verified and are still valid are found, and their number is bounded."""

import pytest

from servicekit.verified_tokens import MAX_HEADER_CHARACTERS, VerifiedTokens

NOW = 1_000_000.0


@pytest.fixture
def tokens() -> VerifiedTokens:
    return VerifiedTokens(lambda claims: claims.get("sid") == "ended", max_tokens=2, now=lambda: NOW)


def test_a_remembered_token_is_found_by_the_same_header_only(tokens: VerifiedTokens) -> None:
    claims = {"exp": NOW + 60, "role": "user"}
    tokens.remember("Bearer a.b.c", claims, tokens.generation)
    assert tokens.find("Bearer a.b.c") == claims
    assert [tokens.find(other) for other in ("Bearer a.b.d", "bearer a.b.c", "Bearer a.b.c ", "", None)] == [None] * 5


def test_an_expired_token_is_not_found() -> None:
    times = [NOW, NOW + 59, NOW + 60]
    tokens = VerifiedTokens(lambda _claims: False, now=lambda: times[0])
    tokens.remember("Bearer a.b.c", {"exp": NOW + 60}, tokens.generation)
    for expected in (True, True, False):
        assert (tokens.find("Bearer a.b.c") is not None) is expected
        times = times[1:] or times


def test_a_token_whose_session_has_ended_is_not_found(tokens: VerifiedTokens) -> None:
    for session in ("ended", "active"):
        tokens.remember(session, {"exp": NOW + 60, "sid": session}, tokens.generation)
    assert [tokens.find(session) is not None for session in ("ended", "active")] == [False, True]


def test_the_oldest_is_dropped_when_there_are_too_many(tokens: VerifiedTokens) -> None:
    for name in "abc":
        tokens.remember(name, {"exp": NOW + 60}, tokens.generation)
    tokens.remember("c", {"exp": NOW + 90}, tokens.generation)
    assert [tokens.find(name) is not None for name in "abc"] == [False, True, True]


def test_a_token_that_was_being_verified_when_all_were_cleared_is_not_remembered(tokens: VerifiedTokens) -> None:
    tokens.remember("a", {"exp": NOW + 60}, tokens.generation)
    generation = tokens.generation
    tokens.clear()
    assert tokens.find("a") is None
    tokens.remember("b", {"exp": NOW + 60}, generation)
    assert tokens.find("b") is None
    tokens.remember("c", {"exp": NOW + 60}, tokens.generation)
    assert tokens.find("c") is not None


def test_a_header_of_unusual_length_is_not_kept(tokens: VerifiedTokens) -> None:
    header = "Bearer ".ljust(MAX_HEADER_CHARACTERS + 1, "x")
    tokens.remember(header, {"exp": NOW + 60}, tokens.generation)
    assert tokens.find(header) is None
