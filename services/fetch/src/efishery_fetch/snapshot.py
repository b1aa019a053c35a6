"""What the service answers from: the list, the rate, and the bodies made of them, all of one moment.

A snapshot never changes. Requests read the current one without a lock and without any call to Redis or the upstream.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock

from cachetools import LRUCache

from efishery_fetch.catalogue import Catalogue
from efishery_fetch.metrics import CACHE_HITS, CACHE_MISSES
from efishery_fetch.rate import Rate
from efishery_fetch.rate_history import RateOfDay
from efishery_fetch.representation import Representation

MAX_QUERY_BYTES = 8 * 1024 * 1024  # of answers to queries, beside the few that are made with each snapshot
# The most that an entry takes beside its bodies: the parsed query, and four answers with the header Link. Without it
# the number of entries with tiny bodies would have no bound that matters.
ENTRY_BYTES = 16 * 1024


class ListUnavailable(Exception):
    """There is no list yet, or the last one is too old to be served. The text is for clients."""

    def __init__(self) -> None:
        super().__init__("the price list is being fetched")


def _query_cache() -> LRUCache[Hashable, Representation]:
    return LRUCache(MAX_QUERY_BYTES, getsizeof=_entry_bytes)


def _entry_bytes(representation: Representation) -> int:
    return representation.size + ENTRY_BYTES


@dataclass(frozen=True, eq=False)
class Snapshot:
    """`representations` has the bodies of requests without a query, by path; others are made when they are asked for.

    `list_failure` says why there is no list, when `catalogue` is None.
    """

    catalogue: Catalogue | None = None
    rate: Rate | None = None
    history: tuple[RateOfDay, ...] = ()
    list_stale: bool = False
    rate_stale: bool = False
    list_failure: Exception = field(default_factory=ListUnavailable)
    representations: Mapping[str, Representation] = field(default_factory=dict)
    _queries: LRUCache[Hashable, Representation] = field(default_factory=_query_cache, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    @property
    def list(self) -> Catalogue:
        """The list. Raises `list_failure` if there is none."""
        if self.catalogue is None:
            raise self.list_failure
        return self.catalogue

    def of_list(self, path: str) -> Representation:
        """Return the body of a list's route without a query. Raises `list_failure` if there is no list."""
        if self.catalogue is None:
            raise self.list_failure
        CACHE_HITS.inc()
        return self.representations[path]

    def of_query(self, query: Hashable, make: Callable[[], Representation]) -> Representation:
        """Return the body for a query, made at most once while it is in the cache, unless two ask at the same time."""
        with self._lock:
            found = self._queries.get(query)
        if found is not None:
            CACHE_HITS.inc()
            return found
        CACHE_MISSES.inc()
        made = make()
        with self._lock:
            if _entry_bytes(made) <= MAX_QUERY_BYTES:
                self._queries[query] = made
        return made


class Snapshots:
    """Holds the current snapshot."""

    def __init__(self) -> None:
        self.current = Snapshot()
        self._decided = Event()  # there is a list, or the reason why there is none
        self._had_list = False

    def publish(self, snapshot: Snapshot) -> None:
        """Make `snapshot` the current one."""
        self.current = snapshot
        self._had_list = self._had_list or snapshot.catalogue is not None
        if snapshot.catalogue or not isinstance(snapshot.list_failure, ListUnavailable):
            self._decided.set()

    def not_ready(self) -> str | None:
        """Return why there has been no list yet, or None. Once there was one, it is None for good.

        A new pod must not replace one that has a list; a pod that has had one keeps answering, with errors too.
        """
        return None if self._had_list else str(self.current.list_failure)

    def with_list(self, timeout_seconds: float) -> Snapshot:
        """Return the current snapshot.

        Requests that come while the first list is being fetched wait for it, or for the failure, up to the timeout.
        """
        self._decided.wait(timeout_seconds)
        return self.current
