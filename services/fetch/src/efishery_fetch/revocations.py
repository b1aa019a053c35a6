"""Keeps the ended sessions current, whose access tokens fetch refuses. auth writes them to Redis (ADR 64)."""

from efishery_fetch.redis_cache import RedisCache
from servicekit.repetition import repeat
from servicekit.revocations import KEY, RevocationList, Revocations

POLL_SECONDS = 1.0


class RevocationReader:
    """Reads them each second, in a thread of its own: the refresher's may wait for the upstream."""

    def __init__(self, redis: RedisCache, revoked: RevocationList) -> None:
        self._redis = redis
        self._revoked = revoked

    def run(self) -> None:
        """Read for as long as the process lives."""
        repeat(self.read, lambda: POLL_SECONDS, "revocations_failed")

    def read(self) -> None:
        """Take over what Redis has; while it is unavailable or has nothing, keep what was read last."""
        found = self._redis.read(KEY, Revocations.loads)
        if found is not None:
            self._revoked.replace(found)
