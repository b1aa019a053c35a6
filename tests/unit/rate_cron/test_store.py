"""What a run leaves in Redis, and how it waits for it."""

import socket
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
import redis
from structlog.testing import capture_logs

from efishery_rate_cron import rate_record, store
from efishery_rate_cron.outcome import Outcome
from efishery_rate_cron.providers.base import Quote
from efishery_rate_cron.rate_record import HISTORY_KEY, KEY, RUNS_KEY, RateRecord, make_record, serialize
from tests.unit.rate_cron.conftest import serve_redis

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


def record(as_of: str = "2026-11-20", rate: str = "0.00006") -> RateRecord:
    return make_record(Quote(Decimal(rate), as_of), "frankfurter", NOW)


def test_write_replaces_the_rate_and_renews_its_expiry(redis_client: redis.Redis) -> None:
    redis_client.set(KEY, "old", ex=60)
    store.write(redis_client, record(), WEEK)
    assert redis_client.get(KEY) == serialize(record())
    assert WEEK.total_seconds() - 60 < float(redis_client.ttl(KEY)) <= WEEK.total_seconds()


def test_write_adds_to_the_history_and_deletes_old_days(redis_client: redis.Redis) -> None:
    old = serialize(record("2026-10-20"))
    redis_client.hset(HISTORY_KEY, mapping={"2026-10-20": old, b"\xff": b"\xff"})
    store.write(redis_client, record(), WEEK)
    assert redis_client.hgetall(HISTORY_KEY) == {"2026-11-20": serialize(record())}
    assert redis_client.ttl(HISTORY_KEY) == redis_client.ttl(RUNS_KEY) == -1


def test_a_lagging_provider_is_the_rate_but_not_in_the_history(redis_client: redis.Redis) -> None:
    store.write(redis_client, record("2026-11-20"), WEEK)
    store.write(redis_client, record("2026-11-20T01:00:00Z", "0.000061"), WEEK)
    assert redis_client.get(KEY) == serialize(record("2026-11-20T01:00:00Z", "0.000061"))
    assert redis_client.hgetall(HISTORY_KEY) == {"2026-11-20": serialize(record("2026-11-20"))}


def test_a_run_that_another_one_overtakes_computes_the_history_again(
    redis_client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    update_history = rate_record.update_history
    later = record("2026-11-20T09:00:00Z", "0.000062")
    others = iter([later])

    def overtaken(stored: dict[str, str], new: RateRecord) -> rate_record.HistoryUpdate:
        for other_record in others:
            with store.connect(redis_url, None) as other:
                store.write(other, other_record, WEEK)
        return update_history(stored, new)

    monkeypatch.setattr(rate_record, "update_history", overtaken)
    store.write(redis_client, record("2026-11-20T01:00:00Z"), WEEK)
    assert redis_client.hgetall(HISTORY_KEY) == {"2026-11-20": serialize(later)}
    assert redis_client.hget(RUNS_KEY, "written") == "2"


def test_nothing_is_written_when_a_part_cannot_be(redis_client: redis.Redis) -> None:
    redis_client.set(HISTORY_KEY, "not a hash")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        store.write(redis_client, record(), WEEK)
    assert redis_client.keys() == [HISTORY_KEY]


def test_runs_are_counted_by_outcome_with_the_last_failure(redis_client: redis.Redis) -> None:
    store.count_failure(redis_client, Outcome.NO_PROVIDER, "down answered with status 503", NOW)
    store.count_failure(redis_client, Outcome.REFUSED, "too far", NOW + timedelta(minutes=5))
    store.write(redis_client, record(), WEEK)
    store.write(redis_client, record(), WEEK)
    assert redis_client.hgetall(RUNS_KEY) == {
        "no_provider": "1",
        "refused": "1",
        "written": "2",
        "last_failure": "too far",
        "last_failure_at": "2026-11-22T08:05:00Z",
    }


def test_the_stored_rate_is_read(redis_client: redis.Redis) -> None:
    assert store.read_rate(redis_client) is None
    store.write(redis_client, record(), WEEK)
    assert store.read_rate(redis_client) == Decimal("0.00006")


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_a_corrupt_rate_is_logged_and_counts_as_none(redis_client: redis.Redis, text: bytes) -> None:
    redis_client.set(KEY, text)
    with capture_logs() as logs:
        assert store.read_rate(redis_client) is None
    assert [(entry["event"], entry["key"]) for entry in logs] == [("corrupt_record", KEY)]


def test_a_run_waits_for_a_redis_that_starts_late(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with ExitStack() as late, capture_logs() as logs:
        sleeps = count(1)
        monkeypatch.setattr(
            "time.sleep", lambda _seconds: late.enter_context(serve_redis(port)) if next(sleeps) == 3 else None
        )
        with store.connect(f"redis://127.0.0.1:{port}/0", None) as client:
            store.wait_until_ready(client, 60)
            assert client.ping()
    assert [entry["event"] for entry in logs] == ["waiting_for_redis"]  # once, as the reason stays the same


def test_a_run_waits_for_no_longer_than_its_setting() -> None:
    with store.connect("redis://127.0.0.1:9/0", None) as client, pytest.raises(redis.ConnectionError):
        store.wait_until_ready(client, 0)


def test_a_wrong_password_is_not_waited_out(redis_url: str) -> None:
    # fakeredis checks the password of AUTH, which RESP2 clients send, and not that of HELLO.
    with (
        store.connect(f"{redis_url}?protocol=2".replace("//", "//nobody@"), "wrong") as client,
        pytest.raises(redis.AuthenticationError),
    ):
        store.wait_until_ready(client, 60)
