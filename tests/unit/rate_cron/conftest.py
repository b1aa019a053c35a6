"""What the tests of rate-cron share: a provider to be played, and a Redis that speaks the protocol."""

import logging
import threading
from collections.abc import Iterator

import pytest
import requests
from fakeredis import TcpFakeServer

from servicekit.http import Session


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Undo what a run does to the process's logging."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with Session(timeout_seconds=2, user_agent="test") as session:
        yield session


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
