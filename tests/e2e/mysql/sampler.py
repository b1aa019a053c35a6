"""Watches who could be written to: asks every member what it lets in, and tries, several times a second."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.e2e.mysql.members import Away, Member, Silent

EACH_SECONDS = 0.2
AWAY_SECONDS = 1.0  # to look for a member that does not run is much work for the node
# A write that a minority holds back is waited for: one a member, so that they do not pile up in it.
PATIENCE_SECONDS = 30

Span = tuple[float, float]


@dataclass(frozen=True)
class Sample:
    """One question to one member: when it was asked and answered (epoch seconds), and whether the answer was yes."""

    member: str
    asked: float
    answered: float
    yes: bool


def is_open(member: Member) -> bool:
    """Tell whether a client's write would be let in, whatever becomes of it then. Raises Silent."""
    return member.query("SELECT @@super_read_only = 0 AND @@offline_mode = 0") == [(1,)]


def writes(member: Member) -> bool:
    """Tell whether a write is committed: the member's own row is replaced. Raises Silent when it is refused."""
    if not is_open(member):
        return False
    member.query("REPLACE INTO efishery.ledger_probe (member, at) VALUES (@@hostname, %s)", time.time())
    return True


class Sampler:
    """Two threads for each member: one asks, one writes."""

    def __init__(self, make_member: Callable[[int, float], Member], members: int) -> None:
        """`make_member` takes an ordinal and the seconds to wait for an answer."""
        self.opened: list[Sample] = []
        self.written: list[Sample] = []
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, args=(make_member(ordinal, seconds), ask, samples), daemon=True)
            for ordinal in range(members)
            for seconds, ask, samples in ((1, is_open, self.opened), (PATIENCE_SECONDS, writes, self.written))
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
                thread.join(PATIENCE_SECONDS + 5)

    def _watch(self, member: Member, ask: Callable[[Member], bool], samples: list[Sample]) -> None:
        pause = EACH_SECONDS
        while not self._ending.wait(pause):
            asked = time.time()
            yes, pause = False, EACH_SECONDS
            try:
                yes = ask(member)
            except Away:
                pause = AWAY_SECONDS
            except Silent:
                pass
            samples.append(Sample(member.pod, asked, time.time(), yes))
        member.close()


def spans(samples: list[Sample]) -> dict[str, list[Span]]:
    """Answer when each member certainly said yes: from the first answer of an unbroken row to its last question."""
    found: dict[str, list[Span]] = {}
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


def at_once(samples: list[Sample]) -> tuple[int, float]:
    """Answer how many members at most said yes at the same time, and how long (seconds) more than one did."""
    edges = [edge for rows in spans(samples).values() for start, end in rows for edge in ((start, 1), (end, -1))]
    most = count = 0
    together = since = 0.0
    # At the same moment, an end comes before a start: to follow one another is not to be at once.
    for moment, step in sorted(edges):
        together += moment - since if count > 1 else 0
        since, count = moment, count + step
        most = max(most, count)
    return most, together
