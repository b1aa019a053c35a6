"""Keeps the process's copy of the cleaned list current: from Redis, which all pods share, else from the upstream."""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from efishery_fetch.catalogue import Catalogue
from efishery_fetch.dates import epoch_milliseconds, from_epoch_milliseconds
from efishery_fetch.list_keys import CORRUPT_LABEL, keys_of_list
from efishery_fetch.metrics import UPSTREAM_ANSWERS
from efishery_fetch.redis_cache import RedisCache
from efishery_fetch.settings import FetchSettings
from efishery_fetch.upstream import Upstream, UpstreamError, UpstreamInvalid
from servicekit.tracing import task

LEASE_MARGIN_SECONDS = 5
FIRST_LIST_RETRY_SECONDS = 1  # while there is no list at all
SHRINK_LIMIT = 10  # a list with a tenth of the rows before, or less, is refused

log = structlog.get_logger(__name__)


class ListSource:
    """The current list, or the reason why there is none. One thread calls `refresh`."""

    def __init__(self, upstream: Upstream, redis: RedisCache, settings: FetchSettings) -> None:
        self._upstream = upstream
        self._redis = redis
        self._settings = settings
        self._keys = keys_of_list(settings)
        # Longer than a call takes, so that no other pod begins one meanwhile. After a failure
        # the remaining lease time is the pause before the next call.
        self._lease_seconds = int(settings.upstream_timeout_seconds) + LEASE_MARGIN_SECONDS
        self._next_call: datetime | None = None
        self._call_until: datetime | None = None  # a call that begins later could outlast the lease
        self.current: Catalogue | None = None
        self.failure: UpstreamError | None = None

    def refresh(self, now: datetime) -> None:
        """Replace `current` when it is older than the TTL; sets `failure` when the upstream has failed.

        At most one pod calls the upstream at a time: the one that gets the lease in Redis. Without Redis each pod does.
        """
        self._synchronize_with_redis()
        if self._is_fresh(now) or (self._next_call and now < self._next_call):
            return
        if not self._has_lease(now):
            return
        pause = self._lease_seconds if self.current else FIRST_LIST_RETRY_SECONDS
        self._next_call = now + timedelta(seconds=pause)
        self._call_upstream(now)

    def _has_lease(self, now: datetime) -> bool:
        if self._call_until and now < self._call_until:
            return True
        if not self._redis.acquire(self._keys.lease, self._lease_seconds):
            return False
        self._call_until = now + timedelta(seconds=LEASE_MARGIN_SECONDS)
        return True

    def _is_fresh(self, now: datetime) -> bool:
        ttl = timedelta(seconds=self._settings.list_ttl_seconds)
        return self.current is not None and now - self.current.fetched_at < ttl

    def _synchronize_with_redis(self) -> None:
        """Take the list in Redis if it is newer than the process's own, else store the own one there.

        Pods that have called the upstream while Redis was unavailable agree on the newest list when it is back.
        """
        own = self.current
        stored_at = self._redis.read(self._keys.fetched_at, _parse_fetched_at, kind=f"{CORRUPT_LABEL}:fetched_at")
        if own and stored_at == own.fetched_at:
            return
        if own is None or (stored_at and stored_at > own.fetched_at):
            stored = self._redis.read(self._keys.catalogue, Catalogue.loads, kind=CORRUPT_LABEL)
            if stored and (own is None or stored.fetched_at > own.fetched_at):
                self.current, self.failure = stored, None
                return
        if own:
            self._store(own)

    def _store(self, catalogue: Catalogue) -> None:
        # In one transaction: a list beside the time of another one would keep pods from agreeing.
        fetched_at = str(epoch_milliseconds(catalogue.fetched_at)).encode()
        records = {self._keys.catalogue: catalogue.dumps(), self._keys.fetched_at: fetched_at}
        self._redis.write_all(records, self._settings.list_stale_if_error_seconds)

    def _call_upstream(self, now: datetime) -> None:
        with task("refresh list"):
            self._replace(now)

    def _replace(self, now: datetime) -> None:
        try:
            catalogue = self._fetch(now)
        except UpstreamError as error:
            UPSTREAM_ANSWERS.labels(error.outcome).inc()
            log.warning("upstream_failed", outcome=error.outcome, reason=str(error), cause=str(error.__cause__ or ""))
            self.failure = error
            return
        UPSTREAM_ANSWERS.labels("ok").inc()
        self.current, self.failure = catalogue, None
        self._store(catalogue)
        log.info("list_refreshed", version=catalogue.version, rows=len(catalogue.rows))

    def _fetch(self, now: datetime) -> Catalogue:
        before = self.current
        answer = self._upstream.fetch(if_none_match=before.upstream_etag if before else None)
        if answer is None:
            assert before is not None  # noqa: S101 -- only a conditional request is answered with None
            return replace(before, fetched_at=now)
        catalogue = Catalogue.clean(answer.items, max_price=self._settings.max_price_idr, now=now, etag=answer.etag)
        self._check_size(before, catalogue)
        return catalogue

    def _check_size(self, before: Catalogue | None, after: Catalogue) -> None:
        """Refuse a list that has lost most of its rows: more likely a fault of the upstream than the market."""
        if before is None or self._settings.list_accept_shrunk:
            return
        if len(after.rows) * SHRINK_LIMIT <= len(before.rows) and before.rows:
            raise UpstreamInvalid(
                "shrunk",
                f"sent a list with {len(after.rows)} usable rows after one with {len(before.rows)};"
                " set FETCH_LIST_ACCEPT_SHRUNK=true if that is right",
            )


def _parse_fetched_at(record: bytes) -> datetime:
    try:
        return from_epoch_milliseconds(int(record))
    except OverflowError as error:
        raise ValueError(str(error)) from error
