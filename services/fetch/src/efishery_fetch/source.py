"""Where the views get the list from: the cache in Redis, else the upstream.

`ListSource.get` is the one place that decides between the two.
"""

from dataclasses import dataclass

from efishery_fetch.catalogue import Catalogue
from efishery_fetch.clock import Clock
from efishery_fetch.store import Store
from efishery_fetch.upstream import fetch_items
from servicekit.http import Session

KEY = "fetch:list"


@dataclass(frozen=True)
class ListSource:
    """The cleaned list, cached for `ttl_seconds`; prices above `max_price` (rupiah) are rejected."""

    url: str
    ttl_seconds: int
    max_price: int
    session: Session
    store: Store
    clock: Clock

    def get(self) -> Catalogue:
        """Return the list.

        Raises:
            Unavailable, BadGateway: there is no cached list and the upstream fails; see `fetch_items`.
        """
        return self.store.read(KEY, Catalogue.loads) or self._refresh()

    def _refresh(self) -> Catalogue:
        items = fetch_items(self.session, self.url)
        catalogue = Catalogue.clean(items, max_price=self.max_price, now=self.clock())
        self.store.write(KEY, catalogue.dumps(), self.ttl_seconds)
        return catalogue
