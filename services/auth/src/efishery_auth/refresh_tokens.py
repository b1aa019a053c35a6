"""Refresh tokens: random, opaque to clients.

One has three parts: the session's id, the family, which all refresh tokens of the session share, and the turn, which
changes with each use. The last two are secrets and stored as SHA-256: they are random, so they need no slow hash.
"""

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256

PART_BYTES = 16
PART_LENGTH = 22  # of 16 bytes in base64url
TOKEN_LENGTH = 3 * PART_LENGTH
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}")


class InvalidRefreshToken(Exception):
    """No session has this refresh token, or it has ended or expired."""


@dataclass(frozen=True)
class RefreshToken:
    """The parts of a refresh token, each 22 characters of base64url."""

    session_id: str
    family: str
    turn: str

    @classmethod
    def new(cls) -> "RefreshToken":
        """Return the first refresh token of a new session."""
        return cls(_random_part(), _random_part(), _random_part())

    @classmethod
    def parse(cls, text: str) -> "RefreshToken":
        """Split a token. Raises InvalidRefreshToken for what has another form."""
        if not _TOKEN.fullmatch(text):
            raise InvalidRefreshToken
        return cls(*(text[start : start + PART_LENGTH] for start in range(0, TOKEN_LENGTH, PART_LENGTH)))

    def next(self) -> "RefreshToken":
        """Return the token that follows this one."""
        return RefreshToken(self.session_id, self.family, _random_part())

    @property
    def family_hash(self) -> str:
        """What is stored of the family."""
        return sha256(self.family.encode()).hexdigest()

    @property
    def turn_hash(self) -> str:
        """What is stored of the turn."""
        return sha256(self.turn.encode()).hexdigest()

    def __str__(self) -> str:
        """Return the token as clients get it."""
        return self.session_id + self.family + self.turn


def _random_part() -> str:
    return secrets.token_urlsafe(PART_BYTES)
