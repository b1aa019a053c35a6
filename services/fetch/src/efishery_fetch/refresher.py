"""Keeps the snapshot current. One thread does all calls to Redis and the upstream, so no request waits for them."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import structlog

from efishery_fetch import bodies, routes
from efishery_fetch.clock import Clock
from efishery_fetch.list_source import ListSource
from efishery_fetch.rate import KEY as RATE_KEY
from efishery_fetch.rate import Rate, parse_rate
from efishery_fetch.redis_cache import RedisCache
from efishery_fetch.representation import Representation, decode, encode
from efishery_fetch.settings import FetchSettings
from efishery_fetch.snapshot import ListUnavailable, Snapshot, Snapshots

POLL_SECONDS = 1.0
FIRST_POLL_SECONDS = 0.1  # until there is a list
REPRESENTATION_FORMAT = 1  # increase it when the bodies change: pods of two releases share Redis

log = structlog.get_logger(__name__)


class Refresher:
    """Reads the rate and the list, and publishes a snapshot when one of them, or whether it is stale, has changed."""

    def __init__(
        self, lists: ListSource, redis: RedisCache, snapshots: Snapshots, settings: FetchSettings, clock: Clock
    ) -> None:
        self._lists = lists
        self._redis = redis
        self._snapshots = snapshots
        self._settings = settings
        self._clock = clock
        self._rate: Rate | None = None

    def run(self) -> None:
        """Refresh for as long as the process lives."""
        while True:
            try:
                self.refresh()
            except Exception:
                # The thread must not end; requests are answered from the last snapshot meanwhile.
                log.exception("refresh_failed")
            time.sleep(POLL_SECONDS if self._snapshots.current.catalogue else FIRST_POLL_SECONDS)

    def refresh(self) -> None:
        """Read what may have changed and publish a new snapshot if something has."""
        now = self._clock()
        # While Redis is away, or empty after a restart, the last rate is used until it is too old.
        self._rate = self._redis.read(RATE_KEY, parse_rate) or self._rate
        self._lists.refresh(now)
        snapshot = self._snapshot(now)
        if _inputs(snapshot) != _inputs(self._snapshots.current) or not self._snapshots.published.is_set():
            self._snapshots.publish(self._with_representations(snapshot))

    def _snapshot(self, now: datetime) -> Snapshot:
        settings = self._settings
        catalogue, rate = self._lists.current, self._rate
        list_age = now - catalogue.fetched_at if catalogue else timedelta(0)
        rate_age = rate.age(now) if rate else timedelta(0)
        return Snapshot(
            catalogue=catalogue if list_age <= timedelta(seconds=settings.list_stale_if_error_seconds) else None,
            rate=rate if rate_age <= timedelta(seconds=settings.rate_stale_if_error_seconds) else None,
            list_stale=list_age > timedelta(seconds=settings.list_stale_after_seconds),
            rate_stale=rate_age > timedelta(seconds=settings.rate_stale_after_seconds),
            list_failure=self._lists.failure or ListUnavailable("the commodity list is being fetched"),
        )

    def _with_representations(self, snapshot: Snapshot) -> Snapshot:
        made: dict[str, Representation] = {}
        if snapshot.catalogue:
            made[routes.RESOURCE.path] = self._shared("list", snapshot, lambda: bodies.list_body(snapshot))
            made[routes.AGGREGATE.path] = self._shared("aggregate", snapshot, lambda: bodies.aggregate_body(snapshot))
        if snapshot.rate:
            rate = bodies.rate_body(snapshot.rate, stale=snapshot.rate_stale)
            made[routes.RATE.path] = encode(rate, snapshot.rate.fetched_at)
        return replace(snapshot, representations=made)

    def _shared(self, name: str, snapshot: Snapshot, make: Callable[[], bytes]) -> Representation:
        """Return the body that another pod has made of the same list and rate, else make it and share it."""
        version = sha256(repr((REPRESENTATION_FORMAT, *_inputs(snapshot))).encode()).hexdigest()[:16]
        key = f"fetch:{name}:{version}"
        fetched_at = snapshot.list.fetched_at
        found = self._redis.read(key, lambda record: decode(record, fetched_at))
        if found is not None:
            return found
        made = encode(make(), fetched_at)
        self._redis.write(key, made.gzipped, self._settings.list_stale_after_seconds)
        return made


def _inputs(snapshot: Snapshot) -> tuple[object, ...]:
    """Return what the bodies depend on."""
    catalogue = snapshot.catalogue
    content = (catalogue.version, catalogue.fetched_at) if catalogue else str(snapshot.list_failure)
    return content, snapshot.list_stale, snapshot.rate, snapshot.rate_stale
