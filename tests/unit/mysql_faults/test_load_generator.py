"""The load generator of the fault tests, against an HTTP server: its counts, and retries with the same key."""

import json
import threading
import time
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request as HttpRequest
from werkzeug import Response

from tests.e2e.mysql.limits import FAILOVER_SECONDS, REQUEST_SECONDS
from tests.e2e.mysql.load_generator import Answer, LoadGenerator, Request, outside, registration_gap

PASSWORD = "secret"


class Auth:
    """A stand-in for auth that keeps keys and bodies. `unavailable` of the first requests for a key get 503."""

    def __init__(self) -> None:
        self.unavailable = 0
        self.retry_status = 201
        self.login_status = 200
        self.bodies: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def register(self, request: HttpRequest) -> Response:
        """Answer 201, or `retry_status` for a key that came before; spare the 10 users of the logins from 503."""
        key = request.headers["Idempotency-Key"]
        with self._lock:
            is_retry = key in self.bodies
            self.bodies.setdefault(key, []).append(request.get_data(as_text=True))
            if not is_retry and len(self.bodies) > 10 and self.unavailable > 0:
                self.unavailable -= 1
                return Response(status=503, headers={"Retry-After": "1"})
        body = json.dumps({"data": {"password": PASSWORD}})
        return Response(body, status=self.retry_status if is_retry else 201, content_type="application/json")

    def login(self, request: HttpRequest) -> Response:
        """Answer `login_status` to the password of the registration."""
        assert request.json
        return Response(status=self.login_status if request.json["password"] == PASSWORD else 401)


@pytest.fixture
def auth(httpserver: HTTPServer) -> Iterator[Auth]:
    stand_in = Auth()
    httpserver.expect_request("/auth/register").respond_with_handler(stand_in.register)
    httpserver.expect_request("/auth/login").respond_with_handler(stand_in.login)
    yield stand_in
    httpserver.check_assertions()


def run_load(httpserver: HTTPServer, answers: int = 30) -> LoadGenerator:
    """Send until there are so many answers."""
    load = LoadGenerator(httpserver.url_for("").rstrip("/"), rate=50)
    deadline = time.monotonic() + 20
    with load.running():
        while len(load.answers) < answers:
            assert time.monotonic() < deadline, f"{len(load.answers)} answers"
            time.sleep(0.01)
    return load


def test_half_of_the_requests_are_logins_and_each_registration_has_its_own_key(
    httpserver: HTTPServer, auth: Auth
) -> None:
    load = run_load(httpserver)
    assert abs(len(load.of("register")) - 10 - len(load.of("login"))) <= 1  # 10 users of the logins
    assert len(auth.bodies) == len(load.of("register"))
    assert not load.problems(registrations=0, logins=0)


def test_a_registration_that_was_answered_503_is_retried_with_its_key_and_body(
    httpserver: HTTPServer, auth: Auth
) -> None:
    auth.unavailable = 3
    load = run_load(httpserver)
    assert len(load.failed("register")) == 3
    assert load.retry_unavailable() == []
    repeated = [bodies for bodies in auth.bodies.values() if len(bodies) > 1]
    assert len(repeated) == len(load.retries) == 3
    assert all(first == second for first, second in repeated)
    outcomes = [each.outcome for each in load.operations() if each.key == load.retries[0].request.phone]
    assert outcomes == ["unknown", "ok"]


@pytest.fixture
def refused(httpserver: HTTPServer, auth: Auth) -> LoadGenerator:
    """A load whose only registration was just answered 503, with Retry-After: 1."""
    load = LoadGenerator(httpserver.url_for("").rstrip("/"), rate=1)
    request = Request("register", {"name": "Load", "phone": "+6299"}, key="a-key")
    auth.bodies["a-key"] = []
    load.answers.append(Answer(request, time.time(), time.time(), 503, "1"))
    return load


def test_a_retry_waits_for_retry_after(refused: LoadGenerator) -> None:
    refused.retry_unavailable()
    assert refused.retries[0].sent - refused.answers[0].done >= 1


def test_a_retry_that_is_a_conflict_is_a_problem(refused: LoadGenerator, auth: Auth) -> None:
    auth.retry_status = 409
    assert refused.retry_unavailable() == ["+6299: the retry was answered 409"]


def test_a_password_of_a_retry_that_does_not_log_in_is_a_problem(refused: LoadGenerator, auth: Auth) -> None:
    auth.login_status = 401
    assert refused.retry_unavailable() == ["+6299: the login with the password of the retry was answered 401"]


def load_with(*answers: tuple[str, int, str]) -> LoadGenerator:
    load = LoadGenerator("http://example", rate=1)
    for kind, status, retry_after in answers:
        request = Request("register" if kind == "register" else "login", {"phone": "+6299"})
        load.answers.append(Answer(request, 0, 1, status, retry_after))
    return load


def test_failures_within_their_shares_are_no_problem() -> None:
    load = load_with(("register", 503, "1"), ("register", 201, ""), ("login", 200, ""))
    assert load.problems(registrations=0.5, logins=0) == []


def test_more_failures_than_their_share_are_a_problem() -> None:
    load = load_with(("register", 503, "1"), ("register", 201, ""), ("login", 503, "1"), ("login", 200, ""))
    assert load.problems(registrations=0.4, logins=0.4) == [
        "1 of 2 registrations failed: {503: 1}",
        "1 of 2 logins failed: {503: 1}",
    ]


@pytest.mark.parametrize(("status", "retry_after"), [(503, ""), (500, "1"), (504, ""), (0, "")])
def test_a_registration_fails_only_by_503_with_retry_after(status: int, retry_after: str) -> None:
    load = load_with(("register", status, retry_after))
    assert load.problems(registrations=1, logins=0) == [f"not 503 with Retry-After: {{{status}: 1}}"]


def test_the_summary_counts_failures_by_kind() -> None:
    load = load_with(("register", 503, "1"), ("register", 201, ""), ("login", 200, ""))
    assert load.summary() == "1 of 2 registrations and 0 of 1 logins failed"


def registration(done: float, status: int = 201) -> Answer:
    return Answer(Request("register", {"phone": "+6299"}), done - 0.1, done, status)


def test_the_gap_after_the_fault_counts_not_a_longer_one_before_it_or_later() -> None:
    later = 11 + FAILOVER_SECONDS
    done = [0, 9, 10, 12, *range(13, later + 1), later + 20]
    assert registration_gap([registration(each) for each in done], injected=10.5) == 2


def test_a_failure_before_the_fault_is_outside() -> None:
    early, within = registration(9, 503), registration(11, 503)
    assert outside([early, within], start=10, end=20) == [early]


def test_a_failure_may_come_as_late_as_a_request_takes() -> None:
    within, late = registration(20 + REQUEST_SECONDS, 503), registration(21 + REQUEST_SECONDS, 503)
    assert outside([within, late], start=10, end=20) == [late]
