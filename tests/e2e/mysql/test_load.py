"""Registration and login while the primary is lost, and while it is slow."""

import itertools
import time

import pytest

from tests.e2e.mysql.faults import KILL, delete_primary
from tests.e2e.mysql.lab import Lab
from tests.e2e.mysql.load import Answer, Load
from tests.e2e.mysql.report import KILL_SECONDS, Limits

pytestmark = pytest.mark.timeout(900)

RATE = 50
LOST_READS = 0.001
CALM_SECONDS = 30
FAILURE_SECONDS = 2  # the longest that auth waits for a database that is away
STILL_SECONDS = 5  # longer than auth waits for a primary of which it knows nothing


def gap(writes: list[Answer], struck: float) -> tuple[float, float]:
    """Answer the longest time between two registrations that succeeded, due to what `struck` then: from when to when.

    Not a later one, when the lost member has come back: then the primary lives, and is waited for.
    """
    done = sorted(write.done for write in writes if write.ok)
    pauses = [pair for pair in itertools.pairwise(done) if pair[1] > struck and pair[0] < struck + KILL_SECONDS]
    return max(pauses, key=lambda pair: pair[1] - pair[0])


def outside(failed: list[Answer], struck: float, end: float) -> list[Answer]:
    """Answer those that failed before anything was lost, or longer after the gap's end than a request takes to fail."""
    return [write for write in failed if not struck <= write.done <= end + FAILURE_SECONDS]


def test_load_through_the_loss_of_the_primary(lab: Lab) -> None:
    load = Load(lab.url, RATE)
    struck = float("nan")

    def strike(lab: Lab) -> None:
        nonlocal struck
        with load.running():
            time.sleep(CALM_SECONDS)
            struck = time.time()
            delete_primary(lab)
            assert lab.wait_until_well(240) is not None, lab.release.diagnosis()
            time.sleep(CALM_SECONDS)
        lab.books.enter(load.attempts())

    verdict = lab.measure(f"primary deleted by force at {RATE} requests a second", KILL, strike)
    writes, reads = load.of("register"), load.of("login")
    failed_writes = [write for write in writes if not write.ok]
    failed_reads = [read for read in reads if not read.ok]
    start, end = gap(writes, struck)
    lab.report.remark(
        f"{RATE} requests a second through the loss of the primary: {len(failed_writes)} of {len(writes)} registrations"
        f" and {len(failed_reads)} of {len(reads)} logins failed; {end - start:.1f} s without a registration."
    )
    assert {(write.status, bool(write.retry_after)) for write in failed_writes} <= {(503, True)}
    assert not outside(failed_writes, struck, end)
    assert len(failed_reads) <= LOST_READS * len(reads), {read.status for read in failed_reads}
    assert not verdict.problems(), lab.release.diagnosis()


@pytest.mark.short
def test_a_primary_that_lives_is_waited_for(lab: Lab) -> None:
    load = Load(lab.url, rate=10)

    def strike(lab: Lab) -> None:
        primary = lab.patient(lab.primary().pod)
        with load.running():
            time.sleep(CALM_SECONDS / 3)
            primary.query("FLUSH TABLES WITH READ LOCK")
            time.sleep(STILL_SECONDS)
            primary.query("UNLOCK TABLES")
            time.sleep(CALM_SECONDS / 3)
        lab.books.enter(load.attempts())

    fault = f"writes stand still for {STILL_SECONDS} s on a primary that lives"
    verdict = lab.measure(fault, Limits(KILL_SECONDS), strike)
    failed = [answer for answer in load.answers if not answer.ok]
    lab.report.remark(f"{fault}, at 10 requests a second: {len(load.answers)} requests, {len(failed)} failed.")
    assert not failed, {(answer.kind, answer.status) for answer in failed}
    assert max(answer.done - answer.sent for answer in load.answers) > STILL_SECONDS / 2, "nobody had to wait"
    assert not verdict.problems(), lab.release.diagnosis()
