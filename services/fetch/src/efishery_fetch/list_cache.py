"""A read-through cache of the cleaned list: from Redis, else from the upstream."""

from dataclasses import dataclass

from efishery_fetch.catalogue import Catalogue
from efishery_fetch.clock import Clock
from efishery_fetch.redis_cache import RedisCache
from efishery_fetch.upstream import Upstream

KEY = "fetch:list"


@dataclass(frozen=True)
class ListCache:
    """Keeps the cleaned list for `ttl_seconds`; prices above `max_price` (rupiah) are rejected."""

    upstream: Upstream
    redis: RedisCache
    clock: Clock
    ttl_seconds: int
    max_price: int

    def get(self) -> Catalogue:
        """Return the list.

        Raises:
            UpstreamUnavailable, UpstreamInvalid: it is not in Redis and the upstream fails; see `Upstream.fetch`.
        """
        return self.redis.read(KEY, Catalogue.loads) or self._refresh()

    def _refresh(self) -> Catalogue:
        items = self.upstream.fetch()
        catalogue = Catalogue.clean(items, max_price=self.max_price, now=self.clock())
        self.redis.write(KEY, catalogue.dumps(), self.ttl_seconds)
        return catalogue
