"""Access tokens that are refused before they expire, because their session ended (ADR 64).

auth collects them and writes them to Redis under `KEY`; the other services read them there. Requests ask only what the
process has in memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask, Response
from flask_jwt_extended import JWTManager
from prometheus_client import Gauge
from pydantic import TypeAdapter

from servicekit.errors import InvalidToken, answer

KEY = "auth:revocations"
EXTENSION = "servicekit.revocations"
MAX_ENTRIES = 20_000  # of sessions and of users; 0.8 MB each as JSON
CLOCK_SKEW_SECONDS = 5  # between pods

REVOKED_SESSIONS = Gauge("revoked_sessions", "Ended sessions whose access tokens are refused")


@dataclass(frozen=True)
class Revocations:
    """Which access tokens are refused. Moments are seconds since the epoch.

    sessions: when each ended, by the claim `sid` of its tokens.
    users: the moment up to which tokens without a session are refused, by the claim `sub`.
    not_before: tokens that were issued before are refused, whoever has them: entries of that time were left out.
    """

    sessions: dict[str, int]
    users: dict[str, int]
    not_before: int

    def revokes(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether the token with these verified claims is refused."""
        issued_at: int = claims.get("iat", 0)
        if issued_at < self.not_before:
            return True
        if "sid" in claims:
            return claims["sid"] in self.sessions
        return issued_at <= self.users.get(claims.get("sub", ""), -1)

    def merged(self, other: "Revocations") -> "Revocations":
        """Return what either of the two refuses: what was ended once stays so, whoever has not heard of it yet."""
        return Revocations(
            _latest(self.sessions, other.sessions),
            _latest(self.users, other.users),
            max(self.not_before, other.not_before),
        )

    def trimmed(self, since: int, limit: int = MAX_ENTRIES) -> "Revocations":
        """Return it without entries before `since`, whose tokens have expired, and the oldest beyond `limit`.

        A session that is left out has issued no token after it ended, so refusing all older tokens refuses its own.
        """
        sessions, sessions_before = _newest(self.sessions, since, limit)
        users, users_before = _newest(self.users, since, limit)
        own = self.not_before if self.not_before >= since else 0
        return Revocations(sessions, users, max(own, sessions_before, users_before))

    def dumps(self, as_of: int) -> bytes:
        """Return the JSON object `{"as_of", "sessions", "users", "not_before"}`; `as_of` is for people."""
        fields = {"as_of": as_of, "sessions": self.sessions, "users": self.users, "not_before": self.not_before}
        return orjson.dumps(fields)

    @classmethod
    def loads(cls, record: bytes) -> "Revocations":
        """Parse what `dumps` returns. Raises ValueError."""
        return _ADAPTER.validate_json(record)


_ADAPTER = TypeAdapter(Revocations)
NOTHING = Revocations({}, {}, 0)


class RevocationList:
    """The revocations that the process knows; a background task replaces them."""

    def __init__(self) -> None:
        self.current = NOTHING

    def replace(self, revocations: Revocations) -> None:
        """Refuse these tokens from now on."""
        self.current = revocations
        REVOKED_SESSIONS.set(len(revocations.sessions))

    def revokes(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether the token with these verified claims is refused."""
        return self.current.revokes(claims)


def init_revocations(app: Flask, manager: JWTManager) -> RevocationList:
    """Make flask-jwt-extended refuse revoked tokens with 401; return the list, which is empty at first."""
    revoked = app.extensions[EXTENSION] = RevocationList()
    manager.token_in_blocklist_loader(lambda _header, claims: revoked.revokes(claims))
    manager.revoked_token_loader(_answer_revoked)
    return revoked


def revocation_list(app: Flask) -> RevocationList:
    """Return the list of an application that `init_tokens` has set up."""
    revoked: RevocationList = app.extensions[EXTENSION]
    return revoked


def _answer_revoked(_header: dict[str, Any], _claims: dict[str, Any]) -> Response:
    return answer(InvalidToken("the session has ended; log in again"))


def _latest(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {key: max(one.get(key, 0), other.get(key, 0)) for key in one.keys() | other.keys()}


def _newest(entries: dict[str, int], since: int, limit: int) -> tuple[dict[str, int], int]:
    """Return the entries that are kept, and the moment before which tokens are refused because of the others."""
    recent = {key: moment for key, moment in entries.items() if moment >= since}
    if len(recent) <= limit:
        return recent, 0
    newest_first = sorted(recent.items(), key=lambda entry: entry[1], reverse=True)
    return dict(newest_first[:limit]), newest_first[limit][1] + 1 + CLOCK_SKEW_SECONDS
