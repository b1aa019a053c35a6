"""The record of the rate in Redis, which fetch reads."""

import json
from datetime import datetime
from typing import Final

import redis

from efishery_rate_cron.providers.base import Quote
from servicekit.serialization import rfc3339

KEY: Final = "rate:IDR:USD"


def record(quote: Quote, source: str, fetched_at: datetime) -> dict[str, str]:
    """Make the record: the rate is text, so that no reader rounds it through a float.

    A provider that does not date its rate is taken at its word now: `as_of` is then `fetched_at`.
    """
    fetched = rfc3339(fetched_at)
    return {
        "rate": f"{quote.rate:f}",
        "base": "IDR",
        "quote": "USD",
        "as_of": quote.as_of or fetched,
        "fetched_at": fetched,
        "source": source,
    }


def write(client: redis.Redis, value: dict[str, str]) -> None:
    """Replace the record at once; raises redis.RedisError.

    It never expires: an old rate, told as such, serves better than none.
    """
    client.set(KEY, json.dumps(value))
