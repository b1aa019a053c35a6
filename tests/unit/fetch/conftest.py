"""fetch with a real HTTP upstream, a fake Redis, and a fixed clock."""

import pytest
from fakeredis import FakeRedis, FakeServer
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer

from efishery_fetch.settings import FetchSettings
from tests.keys import KeyPair
from tests.unit.fetch.support import RATE_KEY, RATE_RECORD, Headers, bearer, refreshing_client


@pytest.fixture
def settings(key_pair: KeyPair, httpserver: HTTPServer) -> FetchSettings:
    return FetchSettings.model_validate(
        {
            "list_url": httpserver.url_for("/commodities"),
            "redis_url": "redis://fetch@redis:6379/0",
            "verification_keys_dir": key_pair.certificate.parent,
            "upstream_timeout_seconds": 0.5,
        }
    )


@pytest.fixture
def redis_server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def redis(redis_server: FakeServer) -> FakeRedis:
    """A Redis that holds the rate."""
    client = FakeRedis(server=redis_server)
    client.set(RATE_KEY, RATE_RECORD)
    return client


@pytest.fixture
def client(settings: FetchSettings, redis: FakeRedis) -> FlaskClient:
    return refreshing_client(settings, redis)


@pytest.fixture
def user(key_pair: KeyPair) -> Headers:
    return bearer(key_pair, "user")


@pytest.fixture
def admin(key_pair: KeyPair) -> Headers:
    return bearer(key_pair, "admin")
