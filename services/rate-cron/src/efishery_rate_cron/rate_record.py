"""The rate's record in Redis, which fetch reads; `tests/contract/test_rate_record.py` compares both sides."""

import json
from datetime import datetime
from typing import Final, TypedDict

import redis

from efishery_rate_cron.providers.base import Quote
from servicekit.serialization import rfc3339

KEY: Final = "rate:IDR:USD"


class RateRecord(TypedDict):
    """US dollars for one rupiah; `rate` is decimal text, so that no reader rounds it through a float."""

    rate: str
    base: str
    quote: str
    as_of: str  # YYYY-MM-DD or RFC 3339, of the provider
    fetched_at: str  # RFC 3339
    source: str  # the provider's name


def make_record(quote: Quote, source: str, fetched_at: datetime) -> RateRecord:
    """Make the record; where the provider gives no date, `as_of` is `fetched_at`."""
    fetched = rfc3339(fetched_at)
    return {
        "rate": f"{quote.rate:f}",
        "base": "IDR",
        "quote": "USD",
        "as_of": quote.as_of or fetched,
        "fetched_at": fetched,
        "source": source,
    }


def write(client: redis.Redis, record: RateRecord) -> None:
    """Replace the stored record with one SET, without expiry; raises redis.RedisError.

    An old rate, which fetch marks as stale, is better than none.
    """
    client.set(KEY, json.dumps(record))
