"""Where the faults happen: the release, its members, the ledgers, and the measuring of one fault."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.cluster import wait_for
from tests.e2e.mysql import members as ask
from tests.e2e.mysql.ledger import Books, Ledger
from tests.e2e.mysql.members import DATABASE, TABLES, Contents, Member, Silent
from tests.e2e.mysql.release import NAMESPACE, Release, pod_name
from tests.e2e.mysql.report import Limits, Report, Verdict
from tests.e2e.mysql.sampler import Sampler, at_once, is_open

CALM_SECONDS = 5  # of writes before and after a fault


@dataclass
class Lab:
    """The system under test. `notes` is the file where the API's answers are noted."""

    release: Release
    root_password: str
    url: str
    notes: Path
    report: Report
    books: Books = field(default_factory=Books)

    def member(self, ordinal: int, timeout: float = 2) -> Member:
        """Answer the member with this ordinal, whether it lives or not; `timeout` in seconds."""
        return Member(NAMESPACE, pod_name(ordinal), self.root_password, timeout)

    def patient(self, pod: str) -> Member:
        """Answer a member for statements that take long."""
        return self.member(int(pod.rpartition("-")[2]), timeout=60)

    def members(self, replicas: int | None = None) -> list[Member]:
        """Answer all members that there should be."""
        return [self.member(ordinal) for ordinal in range(replicas or self.release.replicas())]

    def primary(self) -> Member:
        """Wait for a member that takes writes and that the group it sees calls its primary."""
        return wait_for("a primary", self._primary, 150)

    def replica(self) -> Member:
        """Answer a member that is not the primary: the last."""
        primary = self.primary().pod
        return next(member for member in reversed(self.members()) if member.pod != primary)

    def make_primary(self, pod: str) -> None:
        """Let the group make this member its primary, as an operator would, and wait until all is well again."""
        self.patient(pod).query("SELECT group_replication_set_as_primary(@@server_uuid)")
        assert self.wait_until_well(60) is not None, self.release.diagnosis()

    def is_well(self, replicas: int) -> bool:
        """Tell whether every member sees the same whole group, and Kubernetes sends clients to it."""
        try:
            views = [ask.view(member) for member in self.members(replicas)]
        except Silent:
            return False
        whole = all(view.online == replicas and view.own_state == "ONLINE" for view in views)
        return whole and len({view.primary for view in views}) == 1 and self.release.all_serve(replicas)

    def wait_until_well(self, seconds: float, replicas: int | None = None) -> float | None:
        """Answer how long (seconds) it took until all was well; None if it did not come to that."""
        wanted = replicas or self.release.replicas()
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            if self.is_well(wanted):
                return time.monotonic() - started
            time.sleep(0.5)
        return None

    def make_tables(self) -> None:
        """Make the tables of ledger and sampler."""
        for name, columns in TABLES.items():
            self.primary().query(f"CREATE TABLE IF NOT EXISTS {DATABASE}.{name} ({columns})")

    def clean(self) -> None:
        """Take away all that the tests wrote."""
        primary = self.primary()
        for name in TABLES:
            primary.query(f"DROP TABLE IF EXISTS {DATABASE}.{name}")
        primary.query("DELETE FROM efishery.users WHERE phone LIKE %s", ask.API_PHONES + "%")

    def measure(self, fault: str, limits: Limits, strike: Callable[["Lab"], None], most_members: int = 3) -> Verdict:
        """Let `strike` do its harm while all write and read; print and answer what came of it.

        `strike` returns when the fault is over; the time to full health counts from then. `most_members` is how many
        there are at any time of it.
        """
        assert self.wait_until_well(180) is not None, f"not well before the fault:\n{self.release.diagnosis()}"
        ledger = Ledger(self.release, self.url, self.notes)
        sampler = Sampler(self.member, most_members)
        try:
            with sampler.running(), ledger.running():
                time.sleep(CALM_SECONDS)
                strike(self)
                well_after = self.wait_until_well(limits.well)
                time.sleep(CALM_SECONDS)
        finally:
            self.books.enter(ledger.attempts)
        return self._judge(fault, limits, ledger, sampler, well_after)

    def _judge(self, fault: str, limits: Limits, ledger: Ledger, sampler: Sampler, well_after: float | None) -> Verdict:
        members = self.members()
        equal = ask.settled(members)
        contents = [found for member in members if (found := self._contents(member))]
        verdict = Verdict(
            fault=fault,
            limits=limits,
            acknowledged=ledger.acknowledged(),
            lost=len(self.books.lost(contents)),
            unexpected=len(self.books.unexpected(contents)),
            write_gap=max((ledger.write_gap(each) for each in contents), default=float("inf")),
            read_gap=ledger.read_gap(),
            well_after=well_after,
            writable=at_once(sampler.written)[0],
            open_together=at_once(sampler.opened)[1],
            equal=equal and len(contents) == len(members),
            readers=frozenset(read.detail for read in ledger.reads()),
        )
        self.report.add(verdict)
        return verdict

    def _contents(self, member: Member) -> Contents | None:
        try:
            return ask.contents(member)
        except Silent:
            return None

    def _primary(self) -> Member | None:
        for member in self.members():
            with suppress(Silent):
                if is_open(member) and ask.view(member).primary == member.pod:
                    return member
        return None
