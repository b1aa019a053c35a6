"""The record in Redis; `tests/contract/test_rate_record.py` has fetch parse it."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import redis

from efishery_rate_cron.providers.base import Quote
from efishery_rate_cron.rate_record import KEY, make_record, write

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def test_the_rate_is_text_without_an_exponent() -> None:
    assert make_record(Quote(Decimal("6.12E-7")), "custom", NOW)["rate"] == "0.000000612"


def test_an_undated_rate_is_as_of_the_run() -> None:
    assert make_record(Quote(Decimal("0.00006")), "custom", NOW)["as_of"] == "2026-11-22T08:00:00Z"


def test_write_replaces_the_record_and_sets_no_expiry(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set(KEY, "old", ex=60)
        write(client, make_record(Quote(Decimal("0.00006"), "2026-11-20"), "frankfurter", NOW))
        stored, ttl = client.get(KEY), client.ttl(KEY)
    assert isinstance(stored, bytes)
    assert ttl == -1
    assert json.loads(stored) == {
        "rate": "0.00006",
        "base": "IDR",
        "quote": "USD",
        "as_of": "2026-11-20",
        "fetched_at": "2026-11-22T08:00:00Z",
        "source": "frankfurter",
    }
