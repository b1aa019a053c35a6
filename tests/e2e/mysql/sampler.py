"""Samples which members are writable: reads each member's settings and writes to it, several times a second."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.e2e.mysql.members import ContainerNotRunning, Member, MemberUnavailable

INTERVAL_SECONDS = 0.2
NOT_RUNNING_INTERVAL_SECONDS = 1.0  # looking up the container of a member costs the node much
READ_TIMEOUT_SECONDS = 1
# A write without a majority blocks. A long timeout keeps the number of blocked writes at one per member.
WRITE_TIMEOUT_SECONDS = 30

Interval = tuple[float, float]


@dataclass(frozen=True)
class Sample:
    """One question to one member: when it was asked and answered (epoch seconds), and whether the answer was yes."""

    member: str
    asked: float
    answered: float
    yes: bool


def accepts_writes(member: Member) -> bool:
    """Tell whether no setting rejects a client's write; it may still block. Raises MemberUnavailable."""
    return member.query("SELECT @@super_read_only = 0 AND @@offline_mode = 0") == [(1,)]


def commits_writes(member: Member) -> bool:
    """Tell whether a write is committed: replaces the member's own row. Raises MemberUnavailable when it fails."""
    if not accepts_writes(member):
        return False
    member.query("REPLACE INTO efishery.fault_test_probes (member, at) VALUES (@@hostname, %s)", time.time())
    return True


class Sampler:
    """Two threads for each member: one reads its settings (`accepting`), one writes (`written`)."""

    def __init__(self, make_member: Callable[[int, float], Member], members: int) -> None:
        """`make_member` gets an ordinal and a timeout in seconds."""
        self.accepting: list[Sample] = []
        self.written: list[Sample] = []
        self._ending = threading.Event()
        probes = (
            (READ_TIMEOUT_SECONDS, accepts_writes, self.accepting),
            (WRITE_TIMEOUT_SECONDS, commits_writes, self.written),
        )
        self._threads = [
            threading.Thread(target=self._sample, args=(make_member(ordinal, timeout), probe, samples), daemon=True)
            for ordinal in range(members)
            for timeout, probe, samples in probes
        ]

    @contextmanager
    def running(self) -> Iterator["Sampler"]:
        """Sample until the end of the block."""
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._ending.set()
            for thread in self._threads:
                thread.join(WRITE_TIMEOUT_SECONDS + 5)

    def _sample(self, member: Member, probe: Callable[[Member], bool], samples: list[Sample]) -> None:
        pause = INTERVAL_SECONDS
        while not self._ending.wait(pause):
            asked = time.time()
            yes, pause = False, INTERVAL_SECONDS
            try:
                yes = probe(member)
            except ContainerNotRunning:
                pause = NOT_RUNNING_INTERVAL_SECONDS
            except MemberUnavailable:
                pass
            samples.append(Sample(member.pod, asked, time.time(), yes))
        member.close()


def intervals(samples: list[Sample]) -> dict[str, list[Interval]]:
    """Return when each member certainly was a yes: from the first answer to the last question of a series of yeses."""
    found: dict[str, list[Interval]] = {}
    last: dict[str, Sample] = {}
    for sample in sorted(samples, key=lambda each: each.asked):
        before = last.get(sample.member)
        last[sample.member] = sample
        if not sample.yes:
            continue
        rows = found.setdefault(sample.member, [])
        if before and before.yes:
            rows[-1] = (rows[-1][0], sample.asked)
        else:
            rows.append((sample.answered, sample.answered))
    return found


def overlap(samples: list[Sample]) -> tuple[int, float]:
    """Return the highest number of members that were a yes at the same time, and the seconds with more than one."""
    edges = [edge for rows in intervals(samples).values() for start, end in rows for edge in ((start, 1), (end, -1))]
    most = count = 0
    seconds = since = 0.0
    # Sorting puts an end before a start at the same time: intervals that touch do not overlap.
    for moment, step in sorted(edges):
        seconds += moment - since if count > 1 else 0
        since, count = moment, count + step
        most = max(most, count)
    return most, seconds
