"""The list comes from Redis or the upstream, one call at a time, and is served while either is unavailable."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from fakeredis import FakeRedis, FakeServer
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from efishery_fetch.cleaning import CLEANING_VERSION
from efishery_fetch.dates import epoch_milliseconds
from efishery_fetch.list_keys import CORRUPT_LABEL, PREFIX, ListKeys, keys_of_list
from efishery_fetch.rate_history import HISTORY_KEY
from efishery_fetch.settings import FetchSettings
from efishery_fetch.state import EXTENSION
from servicekit.app import ServiceState
from tests.unit.fetch.support import (
    NOW,
    RATE_KEY,
    RATE_RECORD,
    Headers,
    refresh_snapshot,
    refreshing_client,
    upstream_row,
)

PATH = "/fetch/resource"
LEASE_SECONDS = 5


@dataclass
class Time:
    """A clock that a test moves, and that lets the lease in Redis expire."""

    redis: FakeRedis
    lease: str
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        if seconds >= LEASE_SECONDS:
            self.redis.delete(self.lease)


@pytest.fixture
def keys(settings: FetchSettings) -> ListKeys:
    return keys_of_list(settings)


@pytest.fixture
def time(redis: FakeRedis, keys: ListKeys) -> Time:
    return Time(redis, keys.lease)


@pytest.fixture
def upstream(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/commodities").respond_with_json([upstream_row(), None])
    return httpserver


@pytest.fixture
def pod(settings: FetchSettings, redis: FakeRedis, time: Time) -> FlaskClient:
    return refreshing_client(settings, redis, time)


@pytest.fixture
def other_pod(settings: FetchSettings, redis: FakeRedis, time: Time) -> FlaskClient:
    return refreshing_client(settings, redis, time)


def count(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(metric, labels) or 0


def answer_from(httpserver: HTTPServer, rows: list[object]) -> None:
    httpserver.clear()
    httpserver.expect_request("/commodities").respond_with_json(rows)


def body_keys(redis: FakeRedis, keys: ListKeys) -> list[bytes]:
    others = {key.encode() for key in keys}
    return [key for key in redis.scan_iter("fetch:*") if key not in others]


def not_ready(pod: FlaskClient) -> str | None:
    state: ServiceState = pod.application.extensions["servicekit"]
    return state.not_ready()


def test_the_upstream_is_called_once_per_ttl(pod: FlaskClient, upstream: HTTPServer, user: Headers, time: Time) -> None:
    first = pod.get(PATH, headers=user)
    time.advance(299)
    assert pod.get(PATH, headers=user).headers["ETag"] == first.headers["ETag"]
    assert len(upstream.log) == 1
    time.advance(1)
    assert pod.get(PATH, headers=user).get_json()["meta"]["fetched_at"] == "2022-05-30T08:05:00.000Z"
    assert len(upstream.log) == 2


def test_pods_share_the_list_and_its_bodies(
    pod: FlaskClient, other_pod: FlaskClient, upstream: HTTPServer, redis: FakeRedis, keys: ListKeys, admin: Headers
) -> None:
    first = pod.get(PATH, headers=admin)
    bodies = {key: redis.get(key) for key in body_keys(redis, keys)}
    assert len(bodies) == 2
    second = other_pod.get(PATH, headers=admin)
    assert (second.data, second.headers["ETag"]) == (first.data, first.headers["ETag"])
    assert other_pod.get("/fetch/resource/aggregate", headers=admin).status_code == 200
    assert len(upstream.log) == 1
    assert {key: redis.get(key) for key in bodies} == bodies
    assert [redis.ttl(key) for key in (keys.catalogue, keys.fetched_at)] == [86_400, 86_400]


def test_a_pod_without_the_lease_waits_for_the_list_of_the_other(
    pod: FlaskClient, upstream: HTTPServer, redis: FakeRedis, keys: ListKeys, user: Headers
) -> None:
    redis.set(keys.lease, b"", ex=10)
    answer = pod.get(PATH, headers=user)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert not_ready(pod) == "the price list is being fetched"
    assert upstream.log == []
    redis.delete(keys.lease)  # as when the other pod has died
    assert pod.get(PATH, headers=user).status_code == 200
    assert not_ready(pod) is None


def test_without_redis_each_pod_calls_the_upstream(
    pod: FlaskClient, upstream: HTTPServer, redis_server: FakeServer, user: Headers, time: Time
) -> None:
    redis_server.connected = False
    before = count("fetch_redis_failures_total", operation="get")
    answer = pod.get(PATH, headers=user)
    assert (answer.status_code, answer.get_json()["meta"]["count"]) == (200, 1)
    assert answer.get_json()["meta"]["rate"] is None
    assert count("fetch_redis_failures_total", operation="get") == before + 1  # then the circuit is open
    for _ in range(3):
        time.advance(1)
        pod.get(PATH, headers=user)
    assert len(upstream.log) == 1


@pytest.mark.parametrize("milliseconds", [(0, 3), (3, 0)], ids=["newer last", "newer first"])
def test_pods_that_called_each_on_its_own_agree_on_the_newest_list(
    settings: FetchSettings,
    upstream: HTTPServer,
    redis: FakeRedis,
    keys: ListKeys,
    user: Headers,
    milliseconds: tuple[int, int],
) -> None:
    pods = [
        refreshing_client(settings, redis, Time(redis, keys.lease, NOW + timedelta(milliseconds=ms)))
        for ms in milliseconds
    ]
    for pod in pods:
        redis.flushall()  # neither sees the list of the other, as while Redis is unavailable
        refresh_snapshot(pod)
    assert len(upstream.log) == 2
    for pod in pods:
        refresh_snapshot(pod)
    answers = [pod.get(PATH, headers=user) for pod in pods]
    assert answers[0].headers["ETag"] == answers[1].headers["ETag"]
    assert answers[0].get_json()["meta"]["fetched_at"] == "2022-05-30T08:00:00.003Z"
    assert len(upstream.log) == 2


class Interrupted(FakeRedis):
    """Calls `interrupt` once, when another pod can come between: after a SET of the list, and before a transaction."""

    def __init__(self, server: FakeServer) -> None:
        super().__init__(server=server)
        self.interrupts: list[Callable[[], None]] = []

    def _interrupt(self) -> None:
        if self.interrupts:
            self.interrupts.pop()()

    def set(self, name: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().set(name, *args, **kwargs)
        if name.startswith(PREFIX) and not name.endswith(":lease"):
            self._interrupt()
        return answer

    def pipeline(self, *args: Any, **kwargs: Any) -> Any:
        self._interrupt()
        return super().pipeline(*args, **kwargs)


def test_pods_that_store_their_lists_at_the_same_time_agree(
    settings: FetchSettings, upstream: HTTPServer, redis_server: FakeServer, keys: ListKeys, user: Headers
) -> None:
    redis = Interrupted(redis_server)
    older = refreshing_client(settings, redis, Time(redis, keys.lease))
    newer = refreshing_client(settings, redis, Time(redis, keys.lease, NOW + timedelta(milliseconds=3)))
    refresh_snapshot(older)
    redis.flushall()
    redis.interrupts.append(lambda: refresh_snapshot(older))
    refresh_snapshot(newer)
    assert redis.interrupts == []
    for _ in range(2):
        times = [pod.get(PATH, headers=user).get_json()["meta"]["fetched_at"] for pod in (older, newer)]
    assert times == ["2022-05-30T08:00:00.003Z"] * 2


def test_a_stored_list_that_is_older_than_its_time_says_is_replaced(
    pod: FlaskClient, upstream: HTTPServer, redis: FakeRedis, keys: ListKeys, user: Headers
) -> None:
    pod.get(PATH, headers=user)
    later = epoch_milliseconds(NOW) + 3
    redis.set(keys.fetched_at, later)
    pod.get(PATH, headers=user)
    assert redis.get(keys.fetched_at) == str(epoch_milliseconds(NOW)).encode()


def test_a_redis_that_comes_back_empty_loses_nothing(
    pod: FlaskClient, other_pod: FlaskClient, upstream: HTTPServer, redis: FakeRedis, user: Headers
) -> None:
    first = pod.get(PATH, headers=user)
    redis.flushall()
    answer = pod.get(PATH, headers=user)
    assert answer.data == first.data
    assert answer.get_json()["meta"]["rate"]["stale"] is False
    new = other_pod.get(PATH, headers=user).get_json()["meta"]
    assert new["version"] == first.get_json()["meta"]["version"]
    assert len(upstream.log) == 1, "a new pod finds the list in Redis again"


@pytest.mark.parametrize("record", [b"", b"not JSON", b"[]", b'{"format": 1}'])
def test_a_corrupt_copy_is_replaced(
    pod: FlaskClient, upstream: HTTPServer, redis: FakeRedis, keys: ListKeys, user: Headers, record: bytes
) -> None:
    redis.set(keys.catalogue, record)
    before = count("fetch_corrupt_records_total", key=CORRUPT_LABEL)
    assert pod.get(PATH, headers=user).status_code == 200
    assert pod.get(PATH, headers=user).status_code == 200
    assert count("fetch_corrupt_records_total", key=CORRUPT_LABEL) == before + 1
    assert len(upstream.log) == 1


def test_a_corrupt_body_is_made_again(
    pod: FlaskClient, other_pod: FlaskClient, upstream: HTTPServer, redis: FakeRedis, keys: ListKeys, user: Headers
) -> None:
    first = pod.get(PATH, headers=user)
    for key in body_keys(redis, keys):
        redis.set(key, b"not gzip")
    before = count("fetch_corrupt_records_total", key="fetch:list:<version>")
    assert other_pod.get(PATH, headers=user).data == first.data
    assert count("fetch_corrupt_records_total", key="fetch:list:<version>") == before + 1


def test_while_the_upstream_fails_the_list_is_served_and_becomes_stale(
    pod: FlaskClient, upstream: HTTPServer, user: Headers, time: Time
) -> None:
    assert pod.get(PATH, headers=user).get_json()["meta"]["stale"] is False
    upstream.clear()
    upstream.expect_request("/commodities").respond_with_data(status=500)
    for seconds, stale in ((600, False), (1, True), (3600, True)):
        time.advance(seconds)
        answer = pod.get(PATH, headers=user)
        assert (answer.status_code, answer.get_json()["meta"]["stale"]) == (200, stale)
    time.advance(86_400)
    answer = pod.get(PATH, headers=user)
    assert (answer.status_code, answer.get_json()["msg"]) == (
        502,
        "the price list's upstream answered with status 500",
    )
    assert not_ready(pod) is None
    answer_from(upstream, [upstream_row()])
    time.advance(60)
    assert pod.get(PATH, headers=user).get_json()["meta"]["stale"] is False


def test_the_first_list_is_tried_again_each_second_by_one_pod(
    pod: FlaskClient, other_pod: FlaskClient, httpserver: HTTPServer, user: Headers, time: Time
) -> None:
    httpserver.expect_request("/commodities").respond_with_data(status=404)
    for calls in (1, 2, 3):
        for _ in range(2):
            assert pod.get(PATH, headers=user).status_code == 502
            refresh_snapshot(other_pod)
        assert len(httpserver.log) == calls
        time.advance(1)
    assert not_ready(pod) == "the price list's upstream answered with status 404"
    assert not_ready(other_pod) == "the price list is being fetched"


def test_a_failed_call_is_not_repeated_at_once_while_there_is_a_list(
    pod: FlaskClient, upstream: HTTPServer, redis: FakeRedis, keys: ListKeys, user: Headers, time: Time
) -> None:
    pod.get(PATH, headers=user)
    upstream.clear()
    upstream.expect_request("/commodities").respond_with_data(status=404)
    time.advance(301)
    for seconds, calls in ((0, 1), (1, 1), (3, 1), (1, 2)):  # the pause is 5 s longer than the timeout of 0.5 s
        time.advance(seconds)
        redis.delete(keys.lease)
        assert pod.get(PATH, headers=user).status_code == 200
        assert len(upstream.log) == calls, "the pod itself knows when the next call is due"


@pytest.mark.parametrize("rows", [[], [upstream_row()], [None] * 20], ids=["empty", "one row", "no usable row"])
def test_a_list_that_lost_most_rows_does_not_replace_the_last(
    pod: FlaskClient, httpserver: HTTPServer, user: Headers, time: Time, rows: list[object]
) -> None:
    answer_from(httpserver, [upstream_row(price=str(price)) for price in range(1, 21)])
    assert pod.get(PATH, headers=user).get_json()["meta"]["count"] == 20
    answer_from(httpserver, rows)
    time.advance(301)
    before = count("fetch_upstream_answers_total", outcome="shrunk")
    assert pod.get(PATH, headers=user).get_json()["meta"]["count"] == 20
    assert count("fetch_upstream_answers_total", outcome="shrunk") == before + 1


def test_the_operator_can_accept_such_a_list(
    settings: FetchSettings, httpserver: HTTPServer, redis: FakeRedis, user: Headers, time: Time
) -> None:
    pod = refreshing_client(settings.model_copy(update={"list_accept_shrunk": True}), redis, time)
    answer_from(httpserver, [upstream_row()])
    pod.get(PATH, headers=user)
    answer_from(httpserver, [])
    time.advance(301)
    assert pod.get(PATH, headers=user).get_json()["meta"]["count"] == 0


def test_a_list_that_has_not_changed_is_not_sent_again(
    pod: FlaskClient, httpserver: HTTPServer, user: Headers, time: Time
) -> None:
    def answer(request: Request) -> Response:
        if request.headers.get("If-None-Match") == '"v1"':
            return Response(status=304)
        return Response('[{"komoditas": "Lele", "price": "100"}]', headers={"ETag": '"v1"'})

    httpserver.expect_request("/commodities").respond_with_handler(answer)
    first = pod.get(PATH, headers=user).get_json()
    time.advance(301)
    second = pod.get(PATH, headers=user).get_json()
    assert second["data"] == first["data"]
    assert second["meta"]["version"] == first["meta"]["version"]
    assert second["meta"]["fetched_at"] > first["meta"]["fetched_at"]
    assert [response.status_code for _, response in httpserver.log] == [200, 304]


def test_an_old_rate_is_stale_then_not_used(
    pod: FlaskClient, upstream: HTTPServer, redis: FakeRedis, user: Headers, time: Time
) -> None:
    for seconds, stale in ((300, False), (1, True), (600_000, True)):
        time.advance(seconds)
        assert pod.get("/fetch/rate", headers=user).get_json()["data"]["stale"] is stale
    redis.delete(RATE_KEY)
    time.advance(3600)
    assert pod.get("/fetch/rate", headers=user).status_code == 200
    time.advance(3600)
    answer = pod.get("/fetch/rate", headers=user)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")


def test_a_new_rate_changes_the_list_at_once(
    pod: FlaskClient, upstream: HTTPServer, redis: FakeRedis, user: Headers
) -> None:
    first = pod.get(PATH, headers=user)
    record = redis.get(RATE_KEY)
    assert isinstance(record, bytes)
    redis.set(RATE_KEY, record.replace(b"0.00006123", b"0.00007"))
    second = pod.get(PATH, headers=user)
    assert second.headers["ETag"] != first.headers["ETag"]
    assert second.get_json()["data"][0]["price_usd"] == 1.505


@pytest.mark.parametrize("changes", [{"max_price_idr": 21_499}, {"list_url": "/other"}], ids=str)
def test_a_list_of_other_settings_is_not_taken(
    pod: FlaskClient,
    settings: FetchSettings,
    upstream: HTTPServer,
    redis: FakeRedis,
    user: Headers,
    time: Time,
    changes: dict[str, object],
) -> None:
    answer_from(upstream, [upstream_row(price=str(price)) for price in range(21_490, 21_510)])
    upstream.expect_request("/other").respond_with_json([upstream_row()])
    assert pod.get(PATH, headers=user).get_json()["meta"]["count"] == 20
    changes = {name: upstream.url_for(value) if isinstance(value, str) else value for name, value in changes.items()}
    other = refreshing_client(settings.model_copy(update=changes), redis, time)
    assert other.get(PATH, headers=user).get_json()["meta"]["count"] == (1 if "list_url" in changes else 10)
    assert pod.get(PATH, headers=user).get_json()["meta"]["count"] == 20, "each has its own"


def test_a_list_that_was_cleaned_by_other_rules_is_not_taken(
    pod: FlaskClient,
    settings: FetchSettings,
    upstream: HTTPServer,
    redis: FakeRedis,
    user: Headers,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pod.get(PATH, headers=user)
    monkeypatch.setattr("efishery_fetch.list_keys.CLEANING_VERSION", CLEANING_VERSION + 1)
    other = refreshing_client(settings, redis, time)
    assert other.get(PATH, headers=user).status_code == 200
    assert len(upstream.log) == 2


def test_a_call_that_could_outlast_the_lease_needs_it_again(
    pod: FlaskClient, httpserver: HTTPServer, redis: FakeRedis, keys: ListKeys, time: Time
) -> None:
    httpserver.expect_request("/commodities").respond_with_data(status=404)
    for calls in (1, 2, 3, 4, 5, 5, 5):  # one each second, while there is no list
        refresh_snapshot(pod)
        redis.persist(keys.lease)  # as if another pod had taken it when it expired
        assert len(httpserver.log) == calls
        time.advance(1)
    redis.delete(keys.lease)
    refresh_snapshot(pod)
    assert len(httpserver.log) == 6


HISTORY = "/fetch/rate/history"


def days(pod: FlaskClient, user: Headers) -> list[str]:
    return [day["date"] for day in pod.get(HISTORY, headers=user).get_json()["data"]]


def test_a_new_day_is_in_the_history_at_once(pod: FlaskClient, redis: FakeRedis, user: Headers) -> None:
    redis.hset(HISTORY_KEY, "2022-05-30", RATE_RECORD)
    assert days(pod, user) == ["2022-05-30"]
    redis.hset(HISTORY_KEY, "2022-05-29", RATE_RECORD.replace("2022-05-30", "2022-05-29"))
    assert days(pod, user) == ["2022-05-30", "2022-05-29"]


def test_the_history_stays_while_redis_has_none(
    pod: FlaskClient, redis: FakeRedis, redis_server: FakeServer, user: Headers
) -> None:
    redis.hset(HISTORY_KEY, "2022-05-30", RATE_RECORD)
    assert days(pod, user) == ["2022-05-30"]
    redis.flushall()
    assert days(pod, user) == ["2022-05-30"]
    redis_server.connected = False
    assert days(pod, user) == ["2022-05-30"]


def test_the_thread_goes_on_after_an_error(pod: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    refresher = pod.application.extensions[EXTENSION].refresher
    refreshes = []

    def refresh() -> None:
        refreshes.append(1)
        if len(refreshes) == 3:
            raise KeyboardInterrupt
        raise OSError("out of memory")

    monkeypatch.setattr(refresher, "refresh", refresh)
    with pytest.raises(KeyboardInterrupt):
        refresher.run()
    assert len(refreshes) == 3
