"""rate-cron writes the rate's record and fetch reads it: same key, same fields, same meaning."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from fakeredis import FakeRedis

from efishery_fetch import rate
from efishery_fetch.rate import CorruptRateError, Rate, RateReader, parse_rate
from efishery_fetch.redis_cache import RedisCache
from efishery_rate_cron import rate_record, store
from efishery_rate_cron.providers.base import Quote
from efishery_rate_cron.rate_record import RateRecord, make_record

FETCHED_AT = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)
RECORD = make_record(Quote(Decimal("0.0000611602091679"), "2026-11-20"), "frankfurter", FETCHED_AT)


def test_fetch_reads_what_rate_cron_writes() -> None:
    redis = FakeRedis(decode_responses=True)
    store.write(redis, RECORD, timedelta(days=7))
    reader = RateReader(RedisCache(redis), lambda: FETCHED_AT + timedelta(minutes=5), stale_after_seconds=900)
    assert reader.read() == Rate(
        rate=Decimal("0.0000611602091679"),
        base="IDR",
        quote="USD",
        as_of="2026-11-20",
        fetched_at=FETCHED_AT,
        source="frankfurter",
        age_seconds=300,
        stale=False,
    )


def test_an_undated_quote_is_readable_too() -> None:
    record = make_record(Quote(Decimal("6.12E-7")), "custom", FETCHED_AT)
    parsed = parse_rate(json.dumps(record), now=FETCHED_AT, stale_after_seconds=900)
    assert (parsed.rate, parsed.as_of) == (Decimal("0.000000612"), "2026-11-22T08:00:00.123456Z")


def test_both_use_one_key() -> None:
    assert rate.KEY == rate_record.KEY


@pytest.mark.parametrize("field", RECORD)
def test_fetch_needs_each_field_that_rate_cron_writes(field: str) -> None:
    rest = {name: value for name, value in RECORD.items() if name != field}
    with pytest.raises(CorruptRateError, match=field):
        parse_rate(json.dumps(rest), now=FETCHED_AT, stale_after_seconds=900)


def test_the_record_has_the_fields_of_its_type() -> None:
    assert set(RECORD) == set(RateRecord.__annotations__)
