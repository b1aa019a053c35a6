"""Shared by the tests of rate-cron: an HTTP client, and a Redis that speaks the protocol."""

import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from fakeredis import TcpFakeServer

from efishery_rate_cron import store
from servicekit.http import HTTPClient


@pytest.fixture(autouse=True)
def own_process_state() -> Iterator[None]:
    """Restore the logging configuration and the signal handler that a run replaces."""
    root = logging.getLogger()
    handlers, level, handler = root.handlers[:], root.level, signal.getsignal(signal.SIGTERM)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def client() -> HTTPClient:
    return HTTPClient(deadline_seconds=2, max_bytes=64 * 1024, user_agent="test")


@pytest.fixture
def silent_url() -> Iterator[str]:
    """The URL of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@contextmanager
def serve_redis(port: int = 0) -> Iterator[str]:
    """Serve an empty Redis in this process and yield its URL."""
    server = TcpFakeServer(("127.0.0.1", port))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    host, port = server.server_address[:2]
    try:
        yield f"redis://{host!s}:{port}/0"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def redis_url() -> Iterator[str]:
    with serve_redis() as url:
        yield url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A run's client of that Redis."""
    with store.connect(redis_url, None) as connected:
        yield connected
