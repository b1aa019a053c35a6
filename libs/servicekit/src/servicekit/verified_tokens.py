"""Remembers verified tokens, so that one that is sent with many requests is verified once.

Verifying RS256 takes more time than answering a request from memory does.
"""

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

Claims = Mapping[str, Any]

MAX_TOKENS = 4096
MAX_HEADER_CHARACTERS = 2048  # a longer one is verified each time; auth's tokens have about 800


class VerifiedTokens:
    """The claims of verified tokens by the `Authorization` header that carried them; the oldest are dropped first."""

    def __init__(
        self, revokes: Callable[[Claims], bool], max_tokens: int = MAX_TOKENS, now: Callable[[], float] = time.time
    ) -> None:
        self._revokes = revokes
        self._max_tokens = max_tokens
        self._now = now
        self._claims: dict[str, Claims] = {}
        self._lock = Lock()
        self._generation = 0

    @property
    def generation(self) -> int:
        """How often the tokens were cleared. Read it before verifying a token that will be remembered."""
        return self._generation

    def clear(self) -> None:
        """Forget all tokens, including those that are being verified now."""
        with self._lock:
            self._generation += 1
            self._claims = {}

    def find(self, authorization: str | None) -> Claims | None:
        """Return the claims of a token that was verified and has not expired or been revoked since; else None."""
        claims = self._claims.get(authorization) if authorization else None
        if claims is None or claims["exp"] <= self._now() or self._revokes(claims):
            return None
        return claims

    def remember(self, authorization: str, claims: Claims, generation: int) -> None:
        """Remember the claims of a token that was verified in this generation; they must have `exp`."""
        if len(authorization) > MAX_HEADER_CHARACTERS:
            return
        with self._lock:
            if generation != self._generation:  # cleared meanwhile: the token may be one that is not valid any more
                return
            self._claims.pop(authorization, None)
            while len(self._claims) >= self._max_tokens:
                del self._claims[next(iter(self._claims))]
            self._claims[authorization] = claims
