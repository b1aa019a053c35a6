"""Keeps the snapshot current. One thread does all calls to Redis and the upstream, so no request waits for them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from efishery_fetch import metrics, routes
from efishery_fetch.bodies import aggregate_answer, history_answer, list_answer, rate_answer
from efishery_fetch.clock import Clock
from efishery_fetch.list_source import ListSource
from efishery_fetch.queries import AggregateQuery, ListQuery
from efishery_fetch.rate import KEY as RATE_KEY
from efishery_fetch.rate import Rate, parse_rate
from efishery_fetch.rate_history import HISTORY_KEY, RUNS_KEY, RateOfDay, parse_history, parse_runs
from efishery_fetch.redis_cache import RedisCache
from efishery_fetch.representation import Representation, decode
from efishery_fetch.settings import FetchSettings
from efishery_fetch.snapshot import ListUnavailable, Snapshot, Snapshots
from servicekit.repetition import repeat

POLL_SECONDS = 1.0
FIRST_POLL_SECONDS = 0.1  # until there is a list
REPRESENTATION_FORMAT = 1  # increase it when the bodies change: pods of two releases share Redis


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
        self._history: tuple[RateOfDay, ...] = ()

    def run(self) -> None:
        """Refresh for as long as the process lives."""
        repeat(self.refresh, self._pause_seconds, "refresh_failed")

    def _pause_seconds(self) -> float:
        return POLL_SECONDS if self._snapshots.current.catalogue else FIRST_POLL_SECONDS

    def refresh(self) -> None:
        """Read what may have changed and publish a new snapshot if something has."""
        now = self._clock()
        # While Redis is unavailable, or empty after a restart, the last rate is used until it is too old.
        self._rate = self._redis.read(RATE_KEY, parse_rate) or self._rate
        self._history = self._redis.read_hash(HISTORY_KEY, parse_history) or self._history
        self._lists.refresh(now)
        snapshot = self._snapshot(now)
        if _inputs(snapshot) != _inputs(self._snapshots.current):
            self._snapshots.publish(self._with_representations(snapshot))
            if snapshot.catalogue:
                metrics.set_list(len(snapshot.catalogue.rows), snapshot.catalogue.cleaned.rejected)
        self._publish_metrics(snapshot, now)

    def _publish_metrics(self, snapshot: Snapshot, now: datetime) -> None:
        metrics.set_rate_cron_runs(self._redis.read_hash(RUNS_KEY, parse_runs) or {})
        metrics.set_age(metrics.RATE_AGE, snapshot.rate.fetched_at if snapshot.rate else None, now)
        metrics.set_age(metrics.LIST_AGE, snapshot.catalogue.fetched_at if snapshot.catalogue else None, now)

    def _snapshot(self, now: datetime) -> Snapshot:
        settings = self._settings
        catalogue, rate = self._lists.current, self._rate
        list_age = now - catalogue.fetched_at if catalogue else timedelta(0)
        rate_age = rate.age(now) if rate else timedelta(0)
        return Snapshot(
            catalogue=catalogue if list_age <= timedelta(seconds=settings.list_stale_if_error_seconds) else None,
            rate=rate if rate_age <= timedelta(seconds=settings.rate_stale_if_error_seconds) else None,
            history=self._history,
            list_stale=list_age > timedelta(seconds=settings.list_stale_after_seconds),
            rate_stale=rate_age > timedelta(seconds=settings.rate_stale_after_seconds),
            list_failure=self._lists.failure or ListUnavailable(),
        )

    def _with_representations(self, snapshot: Snapshot) -> Snapshot:
        made: dict[str, Representation] = {}
        if snapshot.catalogue:
            made[routes.RESOURCE.path] = self._shared("list", snapshot, lambda: list_answer(snapshot, ListQuery()))
            made[routes.AGGREGATE.path] = self._shared(
                "aggregate", snapshot, lambda: aggregate_answer(snapshot, AggregateQuery())
            )
        if snapshot.rate:
            made[routes.RATE.path] = rate_answer(snapshot.rate, stale=snapshot.rate_stale)
            made[routes.HISTORY.path] = history_answer(snapshot.rate, snapshot.history)
        return replace(snapshot, representations=made)

    def _shared(self, name: str, snapshot: Snapshot, make: Callable[[], Representation]) -> Representation:
        """Return the body that another pod has made of the same list and rate, else make it and share it."""
        version = sha256(repr((REPRESENTATION_FORMAT, *_inputs(snapshot))).encode()).hexdigest()[:16]
        key = f"fetch:{name}:{version}"
        fetched_at = snapshot.list.fetched_at
        found = self._redis.read(key, lambda record: decode(record, fetched_at), kind=f"fetch:{name}:<version>")
        if found is not None:
            return found
        made = make()
        self._redis.write(key, made.gzipped, self._settings.list_stale_after_seconds)
        return made


def _inputs(snapshot: Snapshot) -> tuple[object, ...]:
    """Return what the bodies depend on."""
    catalogue = snapshot.catalogue
    content = (catalogue.version, catalogue.fetched_at) if catalogue else str(snapshot.list_failure)
    return content, snapshot.list_stale, snapshot.rate, snapshot.rate_stale, snapshot.history
