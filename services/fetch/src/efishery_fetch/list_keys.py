"""The keys of the list in Redis. Pods share a list only if each would make the same one of the upstream's answer."""

from hashlib import sha256
from typing import NamedTuple

from efishery_fetch.catalogue import FORMAT_VERSION
from efishery_fetch.cleaning import CLEANING_VERSION
from efishery_fetch.settings import FetchSettings

PREFIX = f"fetch:list:v{FORMAT_VERSION}"
CORRUPT_LABEL = f"{PREFIX}:<rules>"  # of the metric: no new time series with each change of a setting
HASH_LENGTH = 16


class ListKeys(NamedTuple):
    """The keys of the list, of the time when it was fetched (milliseconds since the epoch), and of the lease."""

    catalogue: str
    fetched_at: str
    lease: str


def keys_of_list(settings: FetchSettings) -> ListKeys:
    """Return the keys for these settings; they contain a hash of everything that the list depends on.

    So after a change of the upstream's URL, the highest price or a rule of cleaning no old list is served, renewed by
    a 304 for ever, or compared with the new one by its size.
    """
    rules = FORMAT_VERSION, CLEANING_VERSION, str(settings.list_url), settings.max_price_idr
    key = f"{PREFIX}:{sha256(repr(rules).encode()).hexdigest()[:HASH_LENGTH]}"
    return ListKeys(key, f"{key}:fetched_at", f"{key}:lease")
