"""The test harness: runs one fault under the workload, and measures and checks what it did."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.cluster import wait_for
from tests.e2e.mysql.history import History
from tests.e2e.mysql.limits import Limits
from tests.e2e.mysql.load_generator import LoadGenerator
from tests.e2e.mysql.members import (
    API_PHONES,
    DATABASE,
    TABLES,
    Contents,
    Member,
    MemberUnavailable,
    become_consistent,
    contents,
    group_view,
    registered_phones,
)
from tests.e2e.mysql.release import NAMESPACE, Release, pod_name
from tests.e2e.mysql.results import Report, Result
from tests.e2e.mysql.sampler import Sampler, accepts_writes, overlap
from tests.e2e.mysql.workload import Workload

STEADY_SECONDS = 5  # of the workload before and after a fault


@dataclass
class Harness:
    """The system under test. `log` is the file that gets each answer of the API."""

    release: Release
    root_password: str
    url: str
    log: Path
    report: Report
    history: History = field(default_factory=History)

    def member(self, ordinal: int, timeout: float = 2) -> Member:
        """Return the member with this ordinal, running or not; `timeout` in seconds."""
        return Member(NAMESPACE, pod_name(ordinal), self.root_password, timeout)

    def admin(self, pod: str) -> Member:
        """Return a member with a timeout for administrative statements, which may wait for the group."""
        return self.member(int(pod.rpartition("-")[2]), timeout=60)

    def members(self, replicas: int | None = None) -> list[Member]:
        """Return all members of the StatefulSet, running or not."""
        return [self.member(ordinal) for ordinal in range(replicas or self.release.replicas())]

    def primary(self) -> Member:
        """Wait for a member that accepts writes and is the primary in its own view of the group."""
        return wait_for("a primary", self._primary, 150)

    def replica(self) -> Member:
        """Return the member with the highest ordinal that is not the primary."""
        primary = self.primary().pod
        return next(member for member in reversed(self.members()) if member.pod != primary)

    def make_primary(self, pod: str) -> None:
        """Switch the primary as an operator does, and wait until the group is healthy."""
        self.admin(pod).query("SELECT group_replication_set_as_primary(@@server_uuid)")
        assert self.wait_until_healthy(60) is not None, self.release.diagnosis()

    def is_healthy(self, replicas: int) -> bool:
        """Tell whether all members are ONLINE in one view, and pods, labels and auth are ready."""
        try:
            views = [group_view(member) for member in self.members(replicas)]
        except MemberUnavailable:
            return False
        complete = all(view.online == replicas and view.own_state == "ONLINE" for view in views)
        return complete and len({view.primary for view in views}) == 1 and self.release.is_ready(replicas)

    def wait_until_healthy(self, seconds: float, replicas: int | None = None) -> float | None:
        """Return how long (seconds) it took to become healthy; None where it took longer than `seconds`."""
        wanted = replicas or self.release.replicas()
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            if self.is_healthy(wanted):
                return time.monotonic() - started
            time.sleep(0.5)
        return None

    def create_tables(self) -> None:
        """Create the tables of workload and sampler."""
        for name, columns in TABLES.items():
            self.primary().query(f"CREATE TABLE IF NOT EXISTS {DATABASE}.{name} ({columns})")

    def clean_up(self) -> None:
        """Remove the tables and users of the tests."""
        primary = self.primary()
        for name in TABLES:
            primary.query(f"DROP TABLE IF EXISTS {DATABASE}.{name}")
        primary.query("DELETE FROM efishery.users WHERE phone LIKE %s", API_PHONES + "%")

    def registered_phones(self) -> set[str]:
        """Return the phones of all users of the tests that the primary stores."""
        return set(registered_phones(self.primary()))

    def measure(self, fault: str, limits: Limits, inject: Callable[["Harness"], None], max_members: int = 3) -> Result:
        """Call `inject` under the workload; add the result to the report, and return it.

        `inject` returns when the fault is over: the recovery time starts then. `max_members` is the highest number of
        members meanwhile.
        """
        assert self.wait_until_healthy(180) is not None, f"not healthy before the fault:\n{self.release.diagnosis()}"
        workload = Workload(self.release, self.url, self.log)
        sampler = Sampler(self.member, max_members)
        try:
            with sampler.running(), workload.running():
                time.sleep(STEADY_SECONDS)
                inject(self)
                recovery = self.wait_until_healthy(limits.recovery)
                time.sleep(STEADY_SECONDS)
        finally:
            self.history.add(workload.operations)
        result = self._result(fault, limits, workload, sampler, recovery)
        self.report.add(result)
        return result

    @contextmanager
    def under_load(self, load: LoadGenerator) -> Iterator[None]:
        """Send the load until the block ends, also by an exception, and record its registrations in the history."""
        try:
            with load.running():
                yield
        finally:
            self.history.add(load.operations())

    def _result(
        self, fault: str, limits: Limits, workload: Workload, sampler: Sampler, recovery: float | None
    ) -> Result:
        members = self.members()
        consistent = become_consistent(members)
        stored = [found for member in members if (found := self._contents(member))]
        return Result(
            fault=fault,
            limits=limits,
            acknowledged=workload.acknowledged(),
            lost=len(self.history.lost(stored)),
            unexpected=len(self.history.unexpected(stored)),
            write_gap=max((workload.write_gap(each) for each in stored), default=float("inf")),
            read_gap=workload.read_gap(),
            recovery=recovery,
            writable=overlap(sampler.written)[0],
            accepting_seconds=overlap(sampler.accepting)[1],
            consistent=consistent and len(stored) == len(members),
            readers=frozenset(read.detail for read in workload.reads()),
        )

    def _contents(self, member: Member) -> Contents | None:
        try:
            return contents(member)
        except MemberUnavailable:
            return None

    def _primary(self) -> Member | None:
        for member in self.members():
            with suppress(MemberUnavailable):
                if accepts_writes(member) and group_view(member).primary == member.pod:
                    return member
        return None
