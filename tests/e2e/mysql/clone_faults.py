"""Faults while a member on an empty volume clones another one."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from tests.e2e.cluster import wait_for
from tests.e2e.mysql import node
from tests.e2e.mysql.harness import Harness
from tests.e2e.mysql.members import Member, MemberUnavailable
from tests.e2e.mysql.release import NAMESPACE, Release

# MiB/s, of the member that clones: without it the few data of the tests are there within a second.
SLOW = "loose_clone_max_data_bandwidth = 4\n"
SOURCE = "SELECT source FROM performance_schema.clone_status WHERE state = 'In Progress'"


def kill_donor(harness: Harness) -> None:
    """Kill the mysqld that is cloned; the member that is left in the group has no majority."""
    with cloning(harness) as (pod, donor):
        node.send(donor.pid(), signal.SIGKILL)
        wait_for("the clone to fail", partial(_failed_clones, harness.release, pod), 120)


def kill_primary(harness: Harness) -> None:
    """Kill the primary's mysqld; the donor is left in the group, without a majority."""
    primary = harness.primary()
    with cloning(harness) as (_, donor):
        assert donor.pod != primary.pod, "the primary was cloned, although there is a replica"
        node.send(primary.pid(), signal.SIGKILL)


@contextmanager
def cloning(harness: Harness) -> Iterator[tuple[str, Member]]:
    """Delete pod and volume of a replica; yield the pod and its donor while it clones, slowly."""
    release, pod = harness.release, harness.replica().pod
    settings = release.core.read_namespaced_config_map("mysql", NAMESPACE).data["my.cnf"]
    _configure(release, f"{settings.rstrip()}\n{SLOW}")  # only pods that start now read it
    try:
        release.delete_pods_and_volume(pod)
        # The new mysqld has no password of root yet.
        donor = wait_for("a clone", partial(_donor, Member(NAMESPACE, pod, "")), 180)
        yield pod, harness.admin(donor)
    finally:
        _configure(release, settings)


def _configure(release: Release, settings: str) -> None:
    release.core.patch_namespaced_config_map("mysql", NAMESPACE, {"data": {"my.cnf": settings}})


def _donor(member: Member) -> str | None:
    with suppress(MemberUnavailable):
        rows = member.query(SOURCE)
        return str(rows[0][0]).partition(".")[0] if rows else None
    return None


def _failed_clones(release: Release, pod: str) -> bool:
    lines = release.kubectl("logs", pod, "-c", "mysql-agent").splitlines()
    return any('"action_failed"' in line and '"Clone"' in line for line in lines)
