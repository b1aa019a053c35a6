"""The list comes from Redis until it expires, else from the upstream; either may be unavailable."""

import pytest
from fakeredis import FakeRedis, FakeServer
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from pytest_httpserver import HTTPServer

from tests.unit.fetch.support import LIST_KEY, Headers, upstream_row

PATH = "/fetch/resource"


@pytest.fixture
def upstream(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/commodities").respond_with_json([upstream_row(), None])
    return httpserver


def count(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(metric, labels) or 0


def test_the_upstream_is_asked_once_per_ttl(
    client: FlaskClient, upstream: HTTPServer, redis: FakeRedis, user: Headers
) -> None:
    first = client.get(PATH, headers=user)
    assert client.get(PATH, headers=user).get_json() == first.get_json()
    assert len(upstream.log) == 1
    assert redis.ttl(LIST_KEY) == 300
    redis.delete(LIST_KEY)
    client.get(PATH, headers=user)
    assert len(upstream.log) == 2


def test_both_endpoints_share_one_copy(client: FlaskClient, upstream: HTTPServer, admin: Headers) -> None:
    client.get(PATH, headers=admin)
    answer = client.get("/fetch/resource/aggregate", headers=admin).get_json()
    assert answer["meta"]["rejected"] == {"not_an_object": 1}
    assert len(upstream.log) == 1


def test_the_upstream_answers_while_redis_is_unavailable(
    client: FlaskClient, upstream: HTTPServer, redis_server: FakeServer, user: Headers
) -> None:
    redis_server.connected = False
    before = count("fetch_redis_failures_total", operation="get")
    answer = client.get(PATH, headers=user)
    assert (answer.status_code, answer.get_json()["meta"]["count"]) == (200, 1)
    assert answer.get_json()["meta"]["rate"] is None
    assert count("fetch_redis_failures_total", operation="get") == before + 1  # then the circuit is open


@pytest.mark.parametrize("record", [b"", b"not JSON", b"[]", b'{"format": 1}'])
def test_a_corrupt_copy_is_replaced(
    client: FlaskClient, upstream: HTTPServer, redis: FakeRedis, user: Headers, record: bytes
) -> None:
    redis.set(LIST_KEY, record)
    before = count("fetch_corrupt_records_total", key=LIST_KEY)
    assert client.get(PATH, headers=user).status_code == 200
    assert client.get(PATH, headers=user).status_code == 200
    assert count("fetch_corrupt_records_total", key=LIST_KEY) == before + 1
    assert len(upstream.log) == 1


def test_the_copy_answers_while_the_upstream_is_unavailable(
    client: FlaskClient, httpserver: HTTPServer, user: Headers
) -> None:
    httpserver.expect_ordered_request("/commodities").respond_with_json([upstream_row()])
    assert client.get(PATH, headers=user).status_code == 200
    assert client.get(PATH, headers=user).status_code == 200
    assert len(httpserver.log) == 1
