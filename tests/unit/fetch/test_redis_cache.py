"""A Redis that fails costs at most one timeout; then it is skipped until a trial operation succeeds."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakeredis import FakeRedis, FakeServer
from prometheus_client import REGISTRY
from pydantic import SecretStr

from efishery_fetch.redis_cache import BREAKER_RESET_SECONDS, RedisCache
from servicekit.redis_client import TIMEOUT_SECONDS, connect


def seconds(call: Callable[[], object]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def failures(operation: str) -> float:
    return REGISTRY.get_sample_value("fetch_redis_failures_total", {"operation": operation}) or 0


def is_open() -> bool:
    return REGISTRY.get_sample_value("circuit_breaker_state", {"name": "redis", "state": "open"}) == 1


def let_reset_time_pass(cache: RedisCache) -> None:
    cache._breaker._state_storage.opened_at = datetime.now(UTC) - timedelta(seconds=BREAKER_RESET_SECONDS + 1)


def test_a_silent_redis_costs_one_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=32) as silent:
        cache = RedisCache(connect(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", SecretStr("a-password")))
        with ThreadPoolExecutor(8) as pool:
            in_flight = [pool.submit(seconds, lambda: cache.read("key", str)) for _ in range(8)]
            assert max(each.result() for each in in_flight) < TIMEOUT_SECONDS * 2
        assert is_open()
        assert seconds(lambda: cache.read("key", str)) < 0.1
        assert seconds(lambda: cache.write("key", b"", 1)) < 0.1


def test_only_one_operation_tries_again() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=32) as silent:
        cache = RedisCache(connect(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", None))
        cache.read("key", str)
        let_reset_time_pass(cache)
        before = failures("get")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: cache.read("key", str), range(8)))
        assert failures("get") == before + 1


def test_a_recovered_redis_is_used_again() -> None:
    server = FakeServer()
    cache = RedisCache(FakeRedis(server=server))
    server.connected = False
    cache.write("key", b"lost", 60)
    server.connected = True
    assert cache.read("key", lambda record: record) is None
    let_reset_time_pass(cache)
    cache.write("key", b"kept", 60)
    assert not is_open()
    assert cache.read("key", lambda record: record) == b"kept"


def test_an_error_that_redis_answers_does_not_open_the_circuit() -> None:
    redis = FakeRedis()
    redis.lpush("a-list", "item")
    cache, before = RedisCache(redis), failures("get")
    assert cache.read("a-list", str) is None
    assert failures("get") == before + 1
    assert not is_open()


class ClosingRedis(socketserver.StreamRequestHandler):
    """Answers `OK` to each command of a connection but the second GET: then it closes the connection."""

    def handle(self) -> None:
        gets = 0
        while count := self.rfile.readline()[1:]:
            words = [self.rfile.readline() and self.rfile.readline().strip() for _ in range(int(count))]
            gets += words[0] == b"GET"
            if gets == 2:
                return
            self.wfile.write(b"+OK\r\n")


@pytest.fixture
def closing_redis() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), ClosingRedis) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/0?protocol=2"
        server.shutdown()


def test_a_connection_that_redis_closes_costs_no_failure(closing_redis: str) -> None:
    cache, before = RedisCache(connect(closing_redis, None)), failures("get")
    assert [cache.read("key", bytes.decode) for _ in range(3)] == ["OK"] * 3
    assert failures("get") == before


@pytest.mark.parametrize("operation", ["get", "set"])
def test_a_refused_connection_is_counted_once(operation: str) -> None:
    cache, before = RedisCache(connect("redis://127.0.0.1:9/0", None)), failures(operation)
    for _ in range(3):
        cache.read("key", str) if operation == "get" else cache.write("key", b"", 1)
    assert failures(operation) == before + 1


def test_records_are_stored_together_or_not_at_all() -> None:
    redis = FakeRedis()
    cache = RedisCache(redis)
    cache.write_all({"a": b"1", "b": b"2"}, 60)
    assert (redis.mget("a", "b"), redis.ttl("a"), redis.ttl("b")) == ([b"1", b"2"], 60, 60)
    before = failures("set")
    refused: Any = object()  # the client cannot encode it
    cache.write_all({"a": b"3", "b": refused}, 60)
    assert redis.mget("a", "b") == [b"1", b"2"]
    assert failures("set") == before + 1


def test_only_one_gets_the_lease_until_it_expires() -> None:
    redis = FakeRedis()
    first, second = RedisCache(redis), RedisCache(redis)
    assert [first.acquire("lease", 60), second.acquire("lease", 60), first.acquire("lease", 60)] == [True, False, False]
    assert redis.ttl("lease") == 60
    redis.delete("lease")
    assert second.acquire("lease", 60)


def test_without_redis_everybody_gets_the_lease() -> None:
    server = FakeServer()
    server.connected = False
    cache, before = RedisCache(FakeRedis(server=server)), failures("set")
    assert [cache.acquire("lease", 60), cache.acquire("lease", 60)] == [True, True]
    assert failures("set") == before + 1
