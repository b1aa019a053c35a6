"""Circuit breakers (pybreaker): while a dependency is unavailable, calls to it are refused at once.

Use one as `with breaker.calling(): …`, which raises `CircuitBreakerError` while the circuit is open.
`breaker.call()` must not be used: it holds the breaker's lock during the call, so calls would run one at a time.
"""

from collections.abc import Callable
from typing import Any

import structlog
from prometheus_client import Gauge
from pybreaker import (
    STATE_CLOSED,
    STATE_HALF_OPEN,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitBreakerListener,
    CircuitBreakerState,
)

__all__ = ["CircuitBreaker", "CircuitBreakerError", "circuit_breaker"]

STATE = Gauge("circuit_breaker_state", "1 for the state that the circuit breaker is in", ["name", "state"])
STATES = (STATE_CLOSED, STATE_OPEN, STATE_HALF_OPEN)

log = structlog.get_logger(__name__)


def circuit_breaker(
    name: str, is_failure: Callable[[BaseException], bool], *, failures: int, reset_seconds: float
) -> CircuitBreaker:
    """Make a breaker that opens after that many failures in a row.

    `reset_seconds` after the last failure, by the system's clock, one trial call is admitted; it closes the circuit
    or keeps it open. After any other exception than an `is_failure` the dependency counts as available.
    """
    _publish(name, STATE_CLOSED)
    return CircuitBreaker(
        fail_max=failures,
        reset_timeout=reset_seconds,
        exclude=[lambda error: not is_failure(error)],
        listeners=[_OneTrial()],
        name=name,
        throw_new_error_on_trip=False,  # the caller sees the dependency's own error
    )


class _OneTrial(CircuitBreakerListener):
    """Admits one trial call at a time, and publishes the state. pybreaker calls it with its lock held."""

    def __init__(self) -> None:
        self._trial_runs = False

    def before_call(self, cb: CircuitBreaker, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:  # noqa: ANN401, ARG002 -- pybreaker's signature
        """Refuse a second call while the circuit is half-open."""
        if cb.current_state == STATE_HALF_OPEN:
            if self._trial_runs:
                raise CircuitBreakerError("a trial call is in progress")
            self._trial_runs = True

    def state_change(
        self, cb: CircuitBreaker, old_state: CircuitBreakerState | None, new_state: CircuitBreakerState
    ) -> None:
        """Every end of a trial changes the state, so the next one may begin."""
        self._trial_runs = False
        _publish(str(cb.name), new_state.name)
        # A call that began before the circuit opened may fail later, and opens it again.
        if old_state and old_state.name != new_state.name and STATE_CLOSED in (old_state.name, new_state.name):
            log.warning("circuit_breaker", name=cb.name, state=new_state.name)


def _publish(name: str, state: str) -> None:
    for each in STATES:
        STATE.labels(name, each).set(each == state)
