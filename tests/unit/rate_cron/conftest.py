"""Shared by the tests of rate-cron: an HTTP client, and a Redis that speaks the protocol."""

import logging
import socket
import threading
from collections.abc import Iterator

import pytest
from fakeredis import TcpFakeServer

from servicekit.http import HTTPClient


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Restore the logging configuration that a run replaces."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def client() -> HTTPClient:
    return HTTPClient(deadline_seconds=2, max_bytes=64 * 1024, user_agent="test")


@pytest.fixture
def silent_url() -> Iterator[str]:
    """The URL of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def redis_url() -> Iterator[str]:
    """The URL of an empty Redis in this process."""
    server = TcpFakeServer(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    host, port = server.server_address[:2]
    yield f"redis://{host!s}:{port}/0"
    server.shutdown()
    thread.join()
    server.server_close()
