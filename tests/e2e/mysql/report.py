"""What each fault came to: the limits, the line that is printed, and the table in docs/."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

KILL_SECONDS, SILENT_CUT_SECONDS, OUTAGE_SECONDS = 10, 20, 120
READ_SECONDS = 2
HEADINGS = (
    "Fault",
    "Acknowledged",
    "Lost",
    "Unexpected",
    "Longest write gap (limit), s",
    "Longest read gap (limit), s",
    "Full health after (limit), s",
    "Writable at once",
    "Members equal",
    "Held",
)
ABOUT = """\
# What faults do to MySQL

`make e2e-mysql` does each of these to the release on the current cluster while clients write and read, and writes this
table. It was made {when}, on {where}.

- **Acknowledged**: rows written through `mysql-primary` and users registered through the gateway that were confirmed
  to the client during the fault. After each fault, all of them since the first are read back from every member:
  **Lost** are those that any member has not; **Unexpected** are rows that nobody wrote, or that were refused.
- **Longest write gap**: between the timestamps of two neighbouring rows, or between two acknowledgements, whichever is
  longer. **Longest read gap**: without any answer from
  `mysql-replicas`, over four readers. A limit of – means that no replica lives, or only one
  that has lost its majority, and serves nobody.
- **Full health** counts from the end of the fault (a cut of 60 s ends when it is healed): every member online, ready
  and labelled, auth ready.
- **Writable at once**: how many members at most committed a write in overlapping spans; each is asked and tried five
  times a second through its own socket. In brackets: seconds in which more than one called itself open, though a
  write would have found no majority.
- **Members equal**: GTID sets and checksums of all tables are the same on all members in the end.

"""


@dataclass(frozen=True)
class Limits:
    """What a fault may cost, in seconds; None is no limit."""

    write_gap: float
    read_gap: float | None = READ_SECONDS
    well: float = 240


@dataclass(frozen=True)
class Verdict:
    """What was measured of one fault. Gaps in seconds; `well_after` is None where all was not well in time."""

    fault: str
    limits: Limits
    acknowledged: int
    lost: int
    unexpected: int
    write_gap: float
    read_gap: float
    well_after: float | None
    writable: int
    open_together: float
    equal: bool
    readers: frozenset[str]
    """Members that answered reads."""

    def problems(self) -> list[str]:
        """Name every promise that did not hold."""
        limits = self.limits
        checks = {
            "nothing was acknowledged": self.acknowledged == 0,
            f"{self.lost} acknowledged writes are lost": self.lost > 0,
            f"{self.unexpected} writes are there that should not": self.unexpected > 0,
            f"{self.writable} members took writes at once": self.writable > 1,
            f"no write for {self.write_gap:.1f} s, not {limits.write_gap:g}": self.write_gap > limits.write_gap,
            f"no read for {self.read_gap:.1f} s": limits.read_gap is not None and self.read_gap > limits.read_gap,
            f"not well {limits.well:g} s after the fault": self.well_after is None,
            "GTID sets or tables differ between members": not self.equal,
        }
        return [text for text, wrong in checks.items() if wrong]

    def cells(self) -> list[str]:
        """Answer the line of the table."""
        limits, problems = self.limits, self.problems()
        read_limit = "–" if limits.read_gap is None else f"{limits.read_gap:g}"
        well = "not" if self.well_after is None else f"{self.well_after:.0f}"
        together = f" ({self.open_together:.1f})" if self.open_together else ""
        return [
            self.fault,
            str(self.acknowledged),
            str(self.lost),
            str(self.unexpected),
            f"{self.write_gap:.1f} ({limits.write_gap:g})",
            f"{self.read_gap:.1f} ({read_limit})",
            f"{well} ({limits.well:g})",
            f"{self.writable}{together}",
            "yes" if self.equal else "no",
            "no: " + "; ".join(problems) if problems else "yes",
        ]


@dataclass
class Report:
    """Collects verdicts and remarks; `say` prints a line to the person who waits."""

    say: Callable[[str], None]
    verdicts: list[Verdict] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        """Take up a verdict and print it."""
        self.verdicts.append(verdict)
        self.say("\n" + "; ".join(f"{name} {cell}" for name, cell in zip(HEADINGS, verdict.cells(), strict=True)))

    def remark(self, text: str) -> None:
        """Take up and print what has no column."""
        self.remarks.append(text)
        self.say(text)

    def write(self, path: Path, when: str, where: str) -> None:
        """Write the table."""
        rows = [list(HEADINGS), ["---"] * len(HEADINGS), *(verdict.cells() for verdict in self.verdicts)]
        table = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
        remarks = "".join(f"- {text}\n" for text in self.remarks)
        path.write_text(ABOUT.format(when=when, where=where) + table + ("\n" + remarks if remarks else ""))
