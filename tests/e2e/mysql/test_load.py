"""Registrations and logins at the API while the primary is lost, and while its writes are blocked."""

import math
import time

import pytest

from tests.e2e.mysql.faults import delete_primary
from tests.e2e.mysql.harness import Harness
from tests.e2e.mysql.limits import (
    BREAKER_SECONDS,
    FAILED_LOGINS,
    FAILED_REGISTRATIONS,
    FAILOVER,
    RECOVERY_SECONDS,
)
from tests.e2e.mysql.load_generator import LoadGenerator, outside, registration_gap

pytestmark = pytest.mark.timeout(900)

STEADY_SECONDS = 30  # of the load before the fault and after it
RATE = 20  # a second; two CPUs, which the members and their proxies share, carry it with room for a failover
BLOCKED_SECONDS = 5  # as long as auth waits for MySQL's answer


def retry(harness: Harness, load: LoadGenerator, fault: str) -> list[str]:
    """Retry the registrations that were answered 503, note the outcome, and return the problems."""
    unavailable = {answer.request.phone for answer in load.failed("register") if answer.status == 503}
    stored = len(unavailable & harness.registered_phones())
    problems = load.retry_unavailable()
    harness.history.add(load.operations())
    harness.report.note(
        f"{fault}: {len(unavailable)} registrations were answered 503, {stored} of them had been stored; retries with"
        f" the same Idempotency-Key succeeded for {len(load.retries) - len(problems)}."
    )
    return problems


def test_load_through_the_loss_of_the_primary(harness: Harness) -> None:
    load = LoadGenerator(harness.url, rate=RATE)
    fault = f"primary deleted by force at {load.rate} requests a second"
    injected = recovered = math.nan
    retry_problems: list[str] = []

    def inject(harness: Harness) -> None:
        nonlocal injected, recovered
        with harness.under_load(load):
            time.sleep(STEADY_SECONDS)
            injected = time.time()
            delete_primary(harness)
            assert harness.wait_until_healthy(RECOVERY_SECONDS) is not None, harness.release.diagnosis()
            recovered = time.time()
            time.sleep(STEADY_SECONDS)
        retry_problems.extend(retry(harness, load, fault))

    result = harness.measure(fault, FAILOVER, inject)
    harness.report.note(
        f"{fault}: {load.summary()}; {registration_gap(load.of('register'), injected):.1f} s without a registration."
    )
    assert not load.problems(registrations=FAILED_REGISTRATIONS, logins=FAILED_LOGINS)
    assert not outside(load.failed("register"), injected, recovered)
    assert not retry_problems
    assert not result.problems(), harness.release.diagnosis()


@pytest.mark.short
def test_logins_continue_while_writes_are_blocked(harness: Harness) -> None:
    load = LoadGenerator(harness.url, rate=10)
    fault = f"writes of the primary blocked for {BLOCKED_SECONDS} s"
    blocked = released = math.nan
    retry_problems: list[str] = []

    def inject(harness: Harness) -> None:
        nonlocal blocked, released
        primary = harness.admin(harness.primary().pod)
        with harness.under_load(load):
            time.sleep(STEADY_SECONDS / 3)
            blocked = time.time()
            try:
                primary.query("FLUSH TABLES WITH READ LOCK")
                time.sleep(BLOCKED_SECONDS)
                primary.query("UNLOCK TABLES")
            finally:
                primary.close()  # which releases the lock too
            released = time.time()
            time.sleep(STEADY_SECONDS / 3)
        retry_problems.extend(retry(harness, load, fault))

    result = harness.measure(fault, FAILOVER, inject)
    harness.report.note(f"{fault}, at {load.rate} requests a second: {load.summary()}.")
    assert not load.problems(registrations=1, logins=0)
    late = [answer for answer in load.failed("register") if answer.sent > released + BREAKER_SECONDS]
    assert not late, f"refused more than {BREAKER_SECONDS} s after the lock was released"
    assert not outside(load.failed("register"), blocked, released)
    assert not retry_problems
    assert result.write_gap > BLOCKED_SECONDS / 2, "the lock blocked no write"
    assert not result.problems(), harness.release.diagnosis()
