"""Recorded answers of the real list, which are not part of the project.

The environment variable EFISHERY_RECORDED_DATA names their folder; the tests here fail without it.
`tests/unit/fetch` has invented rows with the same defects.
"""

import os
from pathlib import Path

import pytest
from fakeredis import FakeRedis
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer

from efishery_fetch.clock import utc_now
from efishery_fetch.settings import FetchSettings
from servicekit.serialization import rfc3339
from tests.keys import KeyPair
from tests.unit.fetch.support import RATE_KEY, RATE_RECORD, Headers, bearer, refreshing_client


@pytest.fixture(scope="session")
def data() -> Path:
    directory = os.environ.get("EFISHERY_RECORDED_DATA", "")
    if not directory or not list(Path(directory).glob("commodities-*.json")):
        pytest.fail("set EFISHERY_RECORDED_DATA to the folder of recorded lists, commodities-*.json")
    return Path(directory)


@pytest.fixture(params=["commodities-142.json", "commodities-219.json"])
def recorded(request: pytest.FixtureRequest, data: Path) -> bytes:
    """Return the body of one recorded answer."""
    name: str = request.param
    return (data / name).read_bytes()


@pytest.fixture
def signed_in(key_pair: KeyPair, recorded: bytes, httpserver: HTTPServer) -> tuple[FlaskClient, Headers]:
    """Return a client of fetch, whose upstream answers the recording, and the header of an admin's token."""
    httpserver.expect_request("/commodities").respond_with_data(recorded, content_type="application/json")
    settings = FetchSettings.model_validate(
        {
            "list_url": httpserver.url_for("/commodities"),
            "redis_url": "redis://fetch@redis:6379/0",
            "verification_keys_dir": key_pair.certificate.parent,
        }
    )
    redis = FakeRedis()
    redis.set(RATE_KEY, RATE_RECORD.replace("2022-05-30T07:55:00Z", rfc3339(utc_now())))
    return refreshing_client(settings, redis, utc_now), bearer(key_pair, "admin")
