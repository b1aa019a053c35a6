"""Tokens of ended sessions are refused, by Flask and by what answers without it."""

import pytest
from fakeredis import FakeRedis, FakeServer
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer

from efishery_fetch.redis_cache import RedisCache
from efishery_fetch.revocations import RevocationReader
from servicekit.revocations import KEY, NOTHING, Revocations, revocation_list
from tests.keys import KeyPair
from tests.unit.fetch.support import Headers, bearer, upstream_row

PATHS = ["/fetch/resource", "/fetch/rate", "/fetch/claims"]
SESSION = "3q2-7wAAECAwQFBgcICQoL"


@pytest.fixture
def pod(client: FlaskClient, httpserver: HTTPServer) -> FlaskClient:
    httpserver.expect_request("/commodities").respond_with_json([upstream_row()])
    return client


@pytest.fixture
def reader(pod: FlaskClient, redis: FakeRedis) -> RevocationReader:
    return RevocationReader(RedisCache(redis), revocation_list(pod.application))


@pytest.fixture
def user(key_pair: KeyPair) -> Headers:
    return bearer(key_pair, "user", sid=SESSION)


def publish(redis: FakeRedis, *sessions: str) -> None:
    redis.set(KEY, Revocations(dict.fromkeys(sessions, 1), {}, 0).dumps(as_of=1))


def statuses(pod: FlaskClient, headers: Headers) -> set[int]:
    """Return the statuses of two requests each: the first that Flask answers, and one that needs no Flask."""
    return {pod.get(path, headers=headers).status_code for path in PATHS for _ in range(2)}


def test_a_token_of_an_ended_session_is_refused(
    pod: FlaskClient, reader: RevocationReader, redis: FakeRedis, user: Headers, key_pair: KeyPair
) -> None:
    reader.read()
    assert statuses(pod, user) == {200}
    publish(redis, SESSION)
    reader.read()
    assert statuses(pod, user) == {401}
    answer = pod.get(PATHS[0], headers=user)
    assert answer.get_json()["msg"] == "the session has ended; log in again"
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert statuses(pod, bearer(key_pair, "user", sid="another")) == {200}
    assert statuses(pod, bearer(key_pair, "user")) == {200}


def test_a_token_without_a_session_follows_its_user(
    pod: FlaskClient, reader: RevocationReader, redis: FakeRedis, user: Headers, key_pair: KeyPair
) -> None:
    redis.set(KEY, Revocations({}, {"7": 4_102_444_800}, 0).dumps(as_of=1))
    reader.read()
    assert statuses(pod, bearer(key_pair, "user")) == {401}
    assert statuses(pod, user) == {200}


def test_the_last_list_remains_while_redis_is_unavailable_or_empty(
    pod: FlaskClient, reader: RevocationReader, redis: FakeRedis, redis_server: FakeServer, user: Headers
) -> None:
    publish(redis, SESSION)
    reader.read()
    redis.delete(KEY)
    reader.read()
    assert statuses(pod, user) == {401}
    redis_server.connected = False
    reader.read()
    assert statuses(pod, user) == {401}


def test_what_ends_while_redis_is_unavailable_is_accepted_until_it_is_back(
    pod: FlaskClient, reader: RevocationReader, redis: FakeRedis, redis_server: FakeServer, user: Headers
) -> None:
    publish(redis, "another")
    reader.read()
    assert statuses(pod, user) == {200}
    publish(redis, SESSION)
    redis_server.connected = False
    reader.read()
    assert statuses(pod, user) == {200}
    redis_server.connected = True
    RevocationReader(RedisCache(redis), revocation_list(pod.application)).read()  # with a closed circuit
    assert statuses(pod, user) == {401}


def test_a_corrupt_record_changes_nothing(pod: FlaskClient, reader: RevocationReader, redis: FakeRedis) -> None:
    publish(redis, SESSION)
    reader.read()
    redis.set(KEY, "{}")
    reader.read()
    assert revocation_list(pod.application).current != NOTHING


def test_the_service_reads_them_in_the_background(pod: FlaskClient) -> None:
    assert "revocations" in pod.application.extensions["servicekit"].background_tasks
