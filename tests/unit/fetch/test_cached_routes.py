"""What is answered without Flask is what Flask answers, and for the same callers only."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from pytest_httpserver import HTTPServer

from efishery_fetch.cached_routes import CachedRoutes
from efishery_fetch.routes import AGGREGATE, ROUTES
from servicekit.verified_tokens import VerifiedTokens
from tests.unit.fetch.support import Headers, upstream_row

PATHS = [route.path for route in ROUTES]
PER_REQUEST = {"X-Request-ID", "Age"}


@pytest.fixture
def pod(client: FlaskClient, httpserver: HTTPServer) -> FlaskClient:
    httpserver.expect_request("/commodities").respond_with_json([upstream_row()])
    return client


class CountingFlask:
    """The application behind the middleware, with the number of requests that reached it."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.requests = 0

    def __call__(self, *args: Any) -> Any:
        self.requests += 1
        return self.application(*args)


@pytest.fixture
def behind(pod: FlaskClient) -> CountingFlask:
    front: Any = pod.application.wsgi_app
    assert isinstance(front, CachedRoutes)
    front._application = CountingFlask(front._application)
    return front._application


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_both_answers_are_the_same(
    pod: FlaskClient, behind: CountingFlask, admin: Headers, path: str, encoding: str
) -> None:
    headers = admin | {"Accept-Encoding": encoding}
    by_flask = pod.get(path, headers=headers)
    by_front = pod.get(path, headers=headers)
    assert behind.requests == 1, "the second request is answered without Flask"
    assert by_front.status_code == by_flask.status_code == 200
    assert by_front.data == by_flask.data
    assert dict(by_front.headers).keys() == dict(by_flask.headers).keys()
    for name in dict(by_flask.headers).keys() - PER_REQUEST:
        assert by_front.headers[name] == by_flask.headers[name]
    for _ in ("front", "flask"):
        conditional = pod.get(path, headers=headers | {"If-None-Match": by_flask.headers["ETag"]})
        assert (conditional.status_code, conditional.data) == (304, b"")
        assert "Content-Type" not in conditional.headers
        pod.application.extensions["servicekit.verified_tokens"]._claims.clear()


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "HEAD"},
        {"query_string": "limit=1"},
        {"headers": {"Accept": "text/csv"}},
        {"method": "POST"},
        {"path": "/fetch/resource/"},
        {"path": "//fetch/resource"},
        {"path": "/fetch/claims"},
    ],
    ids=str,
)
def test_other_requests_go_to_flask(
    pod: FlaskClient, behind: CountingFlask, user: Headers, request_: dict[str, Any]
) -> None:
    pod.get(PATHS[0], headers=user)
    before = behind.requests
    request_["headers"] = user | request_.get("headers", {})
    pod.open(**({"path": PATHS[0], "method": "GET"} | request_))
    assert behind.requests == before + 1


@pytest.mark.parametrize("path", PATHS)
def test_both_count_the_lists_only(pod: FlaskClient, behind: CountingFlask, admin: Headers, path: str) -> None:
    def hits() -> float:
        return REGISTRY.get_sample_value("fetch_cache_lookups_total", {"result": "hit"}) or 0

    counts = [hits()]
    for _ in ("flask", "front"):
        pod.get(path, headers=admin)
        counts.append(hits())
    assert behind.requests == 1
    step = 1 if path.startswith("/fetch/resource") else 0
    assert counts == [counts[0], counts[0] + step, counts[0] + 2 * step]


def test_no_token_of_another_caller_opens_the_admins_route(pod: FlaskClient, user: Headers, admin: Headers) -> None:
    for _ in range(2):
        assert pod.get(AGGREGATE.path, headers=admin).status_code == 200
        assert pod.get(AGGREGATE.path, headers=user).status_code == 403
        assert pod.get(AGGREGATE.path).status_code == 401
        forged = {"Authorization": admin["Authorization"][:-4] + "AAAA"}
        assert pod.get(AGGREGATE.path, headers=forged).status_code == 401


def test_a_token_that_expires_is_not_accepted_any_more(pod: FlaskClient, behind: CountingFlask, user: Headers) -> None:
    tokens: VerifiedTokens = pod.application.extensions["servicekit.verified_tokens"]
    pod.get(PATHS[0], headers=user)
    tokens._now = lambda: 4_102_444_800.0
    pod.get(PATHS[0], headers=user)
    assert behind.requests == 2
