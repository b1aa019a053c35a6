"""Redis as a convenience: while it is away reads find nothing and writes are lost, logged and counted."""

from collections.abc import Callable
from typing import TypeVar

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from efishery_fetch.metrics import CORRUPT_RECORDS, REDIS_FAILURES

T = TypeVar("T")
Record = bytes | str  # bytes, unless the client is made to decode
log = structlog.get_logger(__name__)

# For each try, of which a request makes six at worst; a slower cache is worth no waiting.
TIMEOUT_SECONDS = 0.5


def connect(url: str, password: str | None) -> Redis:
    """Make a client; nothing is sent before the first command."""
    return Redis.from_url(
        url,
        password=password,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # One more try at once: the usual failure is an idle connection that Redis has closed.
        retry=Retry(NoBackoff(), 1),
        # Only managed Redis has these; asking for them would be a denied command per connection in Redis' ACL log.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


class Store:
    """The two operations fetch needs of Redis, neither of which raises when Redis fails."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def read(self, key: str, parse: Callable[[Record], T]) -> T | None:
        """Return the parsed record; None when there is none, Redis fails, or `parse` raises ValueError."""
        try:
            record = self._client.get(key)
        except RedisError as error:
            _note_failure("get", key, error)
            return None
        return None if record is None else _parse(key, record, parse)

    def write(self, key: str, record: bytes, ttl_seconds: int) -> None:
        """Keep the record for that long, if Redis takes it."""
        try:
            self._client.set(key, record, ex=ttl_seconds)
        except RedisError as error:
            _note_failure("set", key, error)


def _note_failure(operation: str, key: str, error: RedisError) -> None:
    REDIS_FAILURES.labels(operation).inc()
    log.warning("redis_failed", operation=operation, key=key, error=str(error))


def _parse(key: str, record: Record, parse: Callable[[Record], T]) -> T | None:
    try:
        return parse(record)
    except ValueError as error:
        CORRUPT_RECORDS.labels(key).inc()
        log.warning("corrupt_record", key=key, error=str(error))
        return None
