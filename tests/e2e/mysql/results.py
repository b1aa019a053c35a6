"""The result of each fault, and the page in docs/ that they become: a table, notes and a chart."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.mysql.limits import Limits
from tests.e2e.mysql.write_gap_chart import Bar, render

CHART = "img/mysql-faults.svg"
HEADINGS = (
    "Fault",
    "Acknowledged writes",
    "Lost",
    "Unexpected",
    "Write gap (limit), s",
    "Read gap (limit), s",
    "Recovery time (limit), s",
    "Writable members",
    "Consistent",
    "Passed",
)
PAGE = """\
# MySQL fault injection

`make e2e-mysql` injects each of these faults into the release on the current cluster, while a workload writes and
reads, and writes this page. This is the run of {when} on {where}.

![The write gap of each fault and its limit; the table below has the same numbers]({chart})

- **Acknowledged writes**: rows inserted through `mysql-primary` and users registered through the gateway during the
  fault that were confirmed to the client. After each fault, all acknowledged writes of the run so far are looked up on
  every member. **Lost**: those that any member lacks. **Unexpected**: rows that nobody wrote, rows whose write was
  rejected, and phones that more than one user has.
- **Write gap**: the longest time between the timestamps of two rows, or between two acknowledgements, whichever is
  longer.
- **Read gap**: the longest time in which none of four readers got an answer through `mysql-replicas`. The limit is –
  where no replica can serve reads, because none is running or it has no majority.
- **Recovery time**: from the end of the fault until every member is ONLINE, its pod ready and labelled, and auth ready.
- **Writable members**: how many members at most committed writes at the same time. Each is written to five times a
  second through its own socket. In brackets: seconds in which more than one member accepted writes; all but one of them
  had no majority, so that their writes blocked and were not acknowledged.
- **Consistent**: in the end, all members have the same GTID set and the same checksum of every table.

"""


@dataclass(frozen=True)
class Result:
    """What was measured of one fault. Times in seconds; `recovery` is None where it took longer than its limit."""

    fault: str
    limits: Limits
    acknowledged: int
    lost: int
    unexpected: int
    write_gap: float
    read_gap: float
    recovery: float | None
    writable: int
    """The most members that committed writes at the same time."""
    accepting_seconds: float
    """How long more than one member accepted writes, committed or not."""
    consistent: bool
    readers: frozenset[str]
    """Members that answered reads."""

    def problems(self) -> list[str]:
        """Describe each check that failed."""
        limits = self.limits
        checks = {
            "no write was acknowledged": self.acknowledged == 0,
            f"{self.lost} acknowledged writes are lost": self.lost > 0,
            f"{self.unexpected} rows are unexpected": self.unexpected > 0,
            f"{self.writable} members committed writes at the same time": self.writable > 1,
            f"write gap {self.write_gap:.1f} s, limit {limits.write_gap:g} s": self.write_gap > limits.write_gap,
            f"read gap {self.read_gap:.1f} s, limit {limits.read_gap} s": (
                limits.read_gap is not None and self.read_gap > limits.read_gap
            ),
            f"not recovered {limits.recovery:g} s after the fault": self.recovery is None,
            "GTID sets or tables differ between members": not self.consistent,
        }
        return [text for text, failed in checks.items() if failed]

    def cells(self) -> list[str]:
        """Return the row of the table."""
        limits, problems = self.limits, self.problems()
        read_limit = "–" if limits.read_gap is None else f"{limits.read_gap:g}"
        recovery = "not" if self.recovery is None else f"{self.recovery:.0f}"
        accepting = f" ({self.accepting_seconds:.1f})" if self.accepting_seconds else ""
        return [
            self.fault,
            str(self.acknowledged),
            str(self.lost),
            str(self.unexpected),
            f"{self.write_gap:.1f} ({limits.write_gap:g})",
            f"{self.read_gap:.1f} ({read_limit})",
            f"{recovery} ({limits.recovery:g})",
            f"{self.writable}{accepting}",
            "yes" if self.consistent else "no",
            "no: " + "; ".join(problems) if problems else "yes",
        ]


@dataclass
class Report:
    """Collects results and notes; `print_line` shows each at once."""

    print_line: Callable[[str], None]
    results: list[Result] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Add and print a result."""
        self.results.append(result)
        cells = zip(HEADINGS, result.cells(), strict=True)
        self.print_line("\n" + "; ".join(f"{heading} {cell}" for heading, cell in cells))

    def note(self, text: str) -> None:
        """Add and print a measured figure that has no column."""
        self.notes.append(text)
        self.print_line(text)

    def write(self, page: Path, when: str, where: str) -> None:
        """Write the page, and the chart into the folder img beside it."""
        rows = [list(HEADINGS), ["---"] * len(HEADINGS), *(result.cells() for result in self.results)]
        table = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
        notes = "".join(f"- {text}\n" for text in self.notes)
        page.write_text(PAGE.format(when=when, where=where, chart=CHART) + table + ("\n" + notes if notes else ""))
        bars = [Bar(result.fault, result.write_gap, result.limits.write_gap) for result in self.results]
        chart = page.parent / CHART
        chart.parent.mkdir(exist_ok=True)
        chart.write_text(render(bars))
