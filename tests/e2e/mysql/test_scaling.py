"""Members come and go with one value of the chart, while clients write and read."""

import time
from collections import Counter

import pytest

from tests.e2e.mysql.lab import Lab
from tests.e2e.mysql.load import Load
from tests.e2e.mysql.report import KILL_SECONDS, SILENT_CUT_SECONDS, Limits

pytestmark = pytest.mark.timeout(1500)


def scale(lab: Lab, *steps: int) -> None:
    """Go through these numbers of members, each until all is well."""
    for replicas in steps:
        lab.release.scale(replicas)
        assert lab.wait_until_well(240, replicas) is not None, lab.release.diagnosis()
        time.sleep(5)


def test_one_three_five_three(lab: Lab) -> None:
    scale(lab, 1)
    # Of two members both make the majority: commits wait for the one that has just come.
    first = lab.measure("1 → 3 members", Limits(SILENT_CUT_SECONDS, read_gap=None), lambda _: scale(lab, 3))
    then = lab.measure("3 → 5 → 3 members", Limits(KILL_SECONDS), lambda _: scale(lab, 5, 3), 5)
    assert not first.problems() + then.problems(), lab.release.diagnosis()


def test_new_replicas_take_reads_and_no_request_fails(lab: Lab) -> None:
    scale(lab, 3)
    load = Load(lab.url, rate=10)

    def strike(lab: Lab) -> None:
        with load.running():
            scale(lab, 5)
            time.sleep(10)  # for the new ones to get their share
        lab.books.enter(load.attempts())

    verdict = lab.measure("3 → 5 members, nothing else changed", Limits(KILL_SECONDS), strike, 5)
    scale(lab, 3)
    failed = [answer for answer in load.answers if not answer.ok]
    lab.report.remark(f"3 → 5 members at 10 requests a second: {len(load.answers)} requests, {len(failed)} failed.")
    assert not failed, Counter((answer.kind, answer.status) for answer in failed)
    assert {"mysql-3", "mysql-4"} <= verdict.readers
    assert not verdict.problems(), lab.release.diagnosis()
