"""rate-cron writes the rate's record and fetch reads it: same key, same fields, same meaning."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from fakeredis import FakeRedis, FakeServer

from efishery_fetch import rate, rate_history
from efishery_fetch.rate import CorruptRateError, Rate, parse_rate
from efishery_fetch.rate_history import RateOfDay, parse_history, parse_runs
from efishery_fetch.redis_cache import RedisCache
from efishery_rate_cron import rate_record, store
from efishery_rate_cron.outcome import Outcome
from efishery_rate_cron.providers.base import Quote
from efishery_rate_cron.rate_record import RateRecord, make_record

FETCHED_AT = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)
RECORD = make_record(Quote(Decimal("0.0000611602091679"), "2026-11-20"), "frankfurter", FETCHED_AT)


def test_fetch_reads_what_rate_cron_writes() -> None:
    server = FakeServer()
    store.write(FakeRedis(server=server, decode_responses=True), RECORD, timedelta(days=7))
    cache = RedisCache(FakeRedis(server=server))
    read = Rate(
        rate=Decimal("0.0000611602091679"),
        base="IDR",
        quote="USD",
        as_of="2026-11-20",
        fetched_at=FETCHED_AT,
        source="frankfurter",
    )
    assert cache.read(rate.KEY, parse_rate) == read
    assert cache.read_hash(rate_history.HISTORY_KEY, parse_history) == (RateOfDay(date(2026, 11, 20), read),)


def test_an_undated_quote_is_readable_too() -> None:
    record = make_record(Quote(Decimal("6.12E-7")), "custom", FETCHED_AT)
    parsed = parse_rate(json.dumps(record).encode())
    assert (parsed.rate, parsed.as_of) == (Decimal("0.000000612"), "2026-11-22T08:00:00.123456Z")


def test_fetch_reads_the_outcomes_that_rate_cron_counts() -> None:
    server = FakeServer()
    client = FakeRedis(server=server, decode_responses=True)
    for outcome in rate_history.OUTCOMES:
        client.hincrby(rate_record.RUNS_KEY, outcome)
    counted = RedisCache(FakeRedis(server=server)).read_hash(rate_history.RUNS_KEY, parse_runs)
    assert counted == dict.fromkeys(rate_history.OUTCOMES, 1)
    assert set(rate_history.OUTCOMES) == {Outcome.WRITTEN, Outcome.NO_PROVIDER, Outcome.REFUSED}


def test_both_use_the_same_keys() -> None:
    ours = (rate.KEY, rate_history.HISTORY_KEY, rate_history.RUNS_KEY)
    assert ours == (rate_record.KEY, rate_record.HISTORY_KEY, rate_record.RUNS_KEY)


@pytest.mark.parametrize("field", RECORD)
def test_fetch_needs_each_field_that_rate_cron_writes(field: str) -> None:
    rest = {name: value for name, value in RECORD.items() if name != field}
    with pytest.raises(CorruptRateError, match=field):
        parse_rate(json.dumps(rest).encode())


def test_the_record_has_the_fields_of_its_type() -> None:
    assert set(RECORD) == set(RateRecord.__annotations__)
