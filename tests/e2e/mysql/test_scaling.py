"""The number of members changes by one value of the chart, while the workload writes and reads."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.mysql.faults import delete_primary
from tests.e2e.mysql.harness import Harness
from tests.e2e.mysql.limits import (
    FAILED_REGISTRATIONS_JOINING,
    FAILOVER,
    RECOVERY_SECONDS,
    UNRESPONSIVE_SECONDS,
    Limits,
)
from tests.e2e.mysql.load_generator import LoadGenerator
from tests.e2e.mysql.release import NAMESPACE

pytestmark = pytest.mark.timeout(1500)

CPU = "resources.requests.cpu"
SERVICES = ("auth", "fetch", "docs")


@pytest.fixture(scope="module", autouse=True)
def room_for_five(harness: Harness) -> Iterator[None]:
    """Lower what the services request: two CPUs have room for five members then, and for the Jobs of an upgrade."""
    usual = {name: _deployment(harness, name).template.spec.containers[0].resources.requests for name in SERVICES}
    harness.release.upgrade(*(f"{name}.{CPU}=10m" for name in SERVICES))
    yield
    harness.release.upgrade("mysql.replicas=3", *(f"{name}.{CPU}={usual[name]['cpu']}" for name in SERVICES))


@pytest.fixture
def room_for_seven(harness: Harness) -> Iterator[None]:
    """Run one pod of each service."""
    usual = {name: _deployment(harness, name).replicas for name in SERVICES}
    harness.release.upgrade(*(f"{name}.replicas=1" for name in SERVICES))
    yield
    harness.release.upgrade("mysql.replicas=3", *(f"{name}.replicas={usual[name]}" for name in SERVICES))


def _deployment(harness: Harness, name: str) -> Any:
    return harness.release.apps.read_namespaced_deployment(name, NAMESPACE, _request_timeout=10).spec


def scale(harness: Harness, *steps: int) -> None:
    """Change to each of these numbers of members in turn, and wait until the group is healthy."""
    for replicas in steps:
        harness.release.scale(replicas)
        assert harness.wait_until_healthy(RECOVERY_SECONDS, replicas) is not None, harness.release.diagnosis()
        time.sleep(5)


def test_one_three_five_three(harness: Harness) -> None:
    scale(harness, 1)
    # The majority of two members is both: commits wait for the second while it joins. A single member has no replica.
    limits = Limits(UNRESPONSIVE_SECONDS, read_gap=None)
    first = harness.measure("1 → 3 members", limits, lambda _: scale(harness, 3))
    then = harness.measure("3 → 5 → 3 members", FAILOVER, lambda _: scale(harness, 5, 3), max_members=5)
    assert not first.problems() + then.problems(), harness.release.diagnosis()


def test_new_replicas_serve_reads_under_load(harness: Harness) -> None:
    scale(harness, 3)
    load = LoadGenerator(harness.url, rate=10)

    def inject(harness: Harness) -> None:
        with harness.under_load(load):
            scale(harness, 5)
            time.sleep(10)  # for clients to connect to the new members

    result = harness.measure("3 → 5 members under load", FAILOVER, inject, max_members=5)
    scale(harness, 3)
    harness.report.note(f"3 → 5 members at {load.rate} requests a second: {load.summary()}.")
    # Logins read replicas that do not change.
    assert not load.problems(registrations=FAILED_REGISTRATIONS_JOINING, logins=0)
    assert {"mysql-3", "mysql-4"} <= result.readers
    assert not result.problems(), harness.release.diagnosis()


@pytest.mark.usefixtures("room_for_seven")
def test_the_primary_of_seven_is_lost(harness: Harness) -> None:
    scale(harness, 5, 7)
    result = harness.measure("primary of seven members deleted by force", FAILOVER, delete_primary, max_members=7)
    scale(harness, 5)
    assert not result.problems(), harness.release.diagnosis()
