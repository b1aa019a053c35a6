"""Redis as an optional cache: while it is unavailable reads return None and writes are dropped (ADR 23)."""

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

import structlog
from redis import Redis, RedisError, ResponseError

from efishery_fetch.metrics import CORRUPT_RECORDS, REDIS_FAILURES
from servicekit.breaker import CircuitBreakerError, circuit_breaker
from servicekit.tracing import Attributes, span

T = TypeVar("T")
Stored = TypeVar("Stored")
Record = bytes

BREAKER_RESET_SECONDS = 2.0

log = structlog.get_logger(__name__)


class RedisCache:
    """Reads and writes records; neither raises when Redis fails.

    The first failure opens a circuit breaker: for `BREAKER_RESET_SECONDS` no operation waits for Redis,
    then one trial operation decides.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._breaker = circuit_breaker(
            "redis", lambda error: not isinstance(error, ResponseError), failures=1, reset_seconds=BREAKER_RESET_SECONDS
        )

    def read(self, key: str, parse: Callable[[Record], T], *, kind: str | None = None) -> T | None:
        """Return the parsed record; None when there is none, Redis fails, or `parse` raises ValueError.

        The metric of corrupt records has the label `kind` for keys without bound, else the key.
        """
        record = self._call("get", key, lambda: cast(Record | None, self._client.get(key)))
        return None if record is None else _parse(kind or key, record, parse)

    def read_hash(self, key: str, parse: Callable[[Mapping[bytes, bytes]], T]) -> T | None:
        """Return the parsed hash; None when it is empty, Redis fails, or `parse` raises ValueError."""
        fields = self._call("hgetall", key, lambda: cast(dict[bytes, bytes], self._client.hgetall(key)))
        return _parse(key, fields, parse) if fields else None

    def write(self, key: str, record: bytes, ttl_seconds: int) -> None:
        """Store the record with an expiry, unless Redis fails."""
        self._call("set", key, lambda: self._client.set(key, record, ex=ttl_seconds))

    def write_all(self, records: Mapping[str, bytes], ttl_seconds: int) -> None:
        """Store the records with an expiry in one transaction, unless Redis fails: readers see all of them or none."""

        def store() -> None:
            with self._client.pipeline(transaction=True) as transaction:
                for key, record in records.items():
                    transaction.set(key, record, ex=ttl_seconds)
                transaction.execute()

        self._call("set", ", ".join(records), store)

    def acquire(self, key: str, seconds: int) -> bool:
        """Take the lease `key` for this time, unless somebody has it. Without Redis every process gets it."""
        return self._call("set", key, lambda: bool(self._client.set(key, b"", nx=True, ex=seconds))) is not False

    def _call(self, operation: str, key: str, command: Callable[[], T]) -> T | None:
        """Return what the command returns, None when Redis fails."""
        try:
            with self._breaker.calling(), span(operation.upper(), self._attributes(operation)):
                return command()
        except CircuitBreakerError:
            return None
        except RedisError as error:
            REDIS_FAILURES.labels(operation).inc()
            log.warning("redis_failed", operation=operation, key=key, error=str(error))
            return None

    def _attributes(self, operation: str) -> Attributes:
        """Return OpenTelemetry's attributes of a database call, without the key and its value."""
        server = self._client.connection_pool.connection_kwargs
        return {
            "db.system.name": "redis",
            "db.operation.name": operation.upper(),
            "server.address": server.get("host", ""),
            "server.port": server.get("port", 6379),
        }


def _parse(key: str, record: Stored, parse: Callable[[Stored], T]) -> T | None:
    try:
        return parse(record)
    except ValueError as error:
        CORRUPT_RECORDS.labels(key).inc()
        log.warning("corrupt_record", key=key, error=str(error))
        return None
