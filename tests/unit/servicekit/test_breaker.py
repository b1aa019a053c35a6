import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from servicekit.breaker import CircuitBreaker, CircuitBreakerError, circuit_breaker


@pytest.fixture
def breaker() -> CircuitBreaker:
    name = str(uuid.uuid4())
    return circuit_breaker(name, lambda error: not isinstance(error, KeyError), failures=2, reset_seconds=60)


def fail(breaker: CircuitBreaker, error: type[Exception] = OSError) -> None:
    with pytest.raises(error), breaker.calling():
        raise error


def let_reset_time_pass(breaker: CircuitBreaker) -> None:
    breaker._state_storage.opened_at = datetime.now(UTC) - timedelta(seconds=61)


def state(breaker: CircuitBreaker) -> list[str]:
    samples = [sample for metric in REGISTRY.collect() for sample in metric.samples]
    return [
        sample.labels["state"]
        for sample in samples
        if sample.name == "circuit_breaker_state" and sample.labels["name"] == breaker.name and sample.value
    ]


def test_it_opens_after_failures_in_a_row_and_the_metric_shows_it(breaker: CircuitBreaker) -> None:
    assert state(breaker) == ["closed"]
    fail(breaker)
    fail(breaker)
    assert state(breaker) == ["open"]
    with pytest.raises(CircuitBreakerError), breaker.calling():
        pytest.fail("the block of an open circuit must not run")


def test_a_success_between_failures_keeps_it_closed(breaker: CircuitBreaker) -> None:
    fail(breaker)
    with breaker.calling():
        pass
    fail(breaker)
    assert state(breaker) == ["closed"]


def test_ignored_errors_are_no_failures(breaker: CircuitBreaker) -> None:
    for _ in range(3):
        fail(breaker, KeyError)
    assert state(breaker) == ["closed"]


def test_calls_run_at_the_same_time(breaker: CircuitBreaker) -> None:
    meet = threading.Barrier(4, timeout=10)

    def call() -> None:
        with breaker.calling():
            meet.wait()

    with ThreadPoolExecutor(4) as pool:
        for result in [pool.submit(call) for _ in range(4)]:
            result.result()


def test_one_trial_at_a_time(breaker: CircuitBreaker) -> None:
    fail(breaker)
    fail(breaker)
    let_reset_time_pass(breaker)
    with breaker.calling():
        assert state(breaker) == ["half-open"]
        with pytest.raises(CircuitBreakerError), breaker.calling():
            pytest.fail("a second trial ran")
    assert state(breaker) == ["closed"]


@pytest.mark.parametrize(("error", "after"), [(OSError, "open"), (KeyError, "closed")])
def test_the_trial_decides(breaker: CircuitBreaker, error: type[Exception], after: str) -> None:
    for _ in range(2):
        breaker.open()
        let_reset_time_pass(breaker)
        fail(breaker, error)
        assert state(breaker) == [after]
