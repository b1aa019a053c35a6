"""What was measured: a value for each round, and the goals that the figures are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bench.load import Latency, Peak
from bench.scenarios import NO_FLOOD, NOT_MODIFIED, PRICE_LIST, UNDER_FLOOD, Password
from bench.statistics import Summary, ratio
from bench.targets import ARGON2ID, FASTAPI_CACHE, FASTAPI_RECOMPUTE, GO_MEMO, GO_VERIFY, NGINX, SERVICE


@dataclass
class Samples:
    """The rounds of one scenario on one target; no latencies where its peak is below the constant rate.

    Where only latencies are measured, a peak's throughput is the constant rate.
    """

    peaks: list[Peak] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)

    @property
    def throughput(self) -> list[float]:
        """Requests a second, of each round."""
        return [peak.throughput for peak in self.peaks]

    def percentile(self, name: str) -> list[float]:
        """Return p50, p90 or p99 of each round, in milliseconds."""
        return [getattr(latency, name) for latency in self.latencies]


@dataclass(frozen=True)
class Key:
    """What samples are of: the length of the list, if one is requested, the scenario's name and the target's."""

    rows: int | None
    scenario: str
    target: str


Results = Mapping[Key, Samples]


class Figure(StrEnum):
    """What a goal compares."""

    THROUGHPUT = "requests/s"
    P99 = "p99"

    def of(self, samples: Samples) -> list[float]:
        """Return this figure of each round."""
        return samples.percentile("p99") if self is Figure.P99 else samples.throughput


@dataclass(frozen=True)
class Goal:
    """A bound of the ratio of this service to another target or scenario."""

    figure: Figure
    other: Key
    bound: float
    scenario: str = PRICE_LIST.name

    @property
    def ours(self) -> Key:
        """What is compared with `other`."""
        return Key(self.other.rows, self.scenario, SERVICE)

    def measure(self, results: Results) -> Summary | None:
        """Return the ratio, or None if one side was not measured."""
        ours, theirs = (self.figure.of(results.get(key, Samples())) for key in (self.ours, self.other))
        return ratio(ours, theirs) if ours and theirs else None

    def is_met(self, measured: Summary) -> bool:
        """Tell whether the median ratio is at least `bound`, or for latencies at most."""
        return measured.median <= self.bound if self.figure is Figure.P99 else measured.median >= self.bound

    @property
    def sign(self) -> str:
        """Return the direction of the bound."""
        return "≤" if self.figure is Figure.P99 else "≥"


def goals(rows: int) -> list[Goal]:
    """Return the goals for one length of the list: 219 rows, as the recorded list has, or many."""

    def throughput(target: str, bound: float) -> Goal:
        return Goal(Figure.THROUGHPUT, Key(rows, PRICE_LIST.name, target), bound)

    return [
        throughput(GO_MEMO, 0.7 if rows <= FEW_ROWS else 0.9),
        throughput(GO_VERIFY, 2),
        throughput(FASTAPI_RECOMPUTE, 20),
        throughput(FASTAPI_CACHE, 5),
        throughput(NGINX, 0.5),
        Goal(Figure.P99, Key(rows, PRICE_LIST.name, NGINX), 3),
        Goal(Figure.THROUGHPUT, Key(rows, PRICE_LIST.name, SERVICE), 1.2, scenario=NOT_MODIFIED.name),
    ]


FEW_ROWS: Final = 1000
LOGIN_ROWS: Final = 219  # of the list that is requested during a flood of logins


def login_goals() -> list[Goal]:
    """Return the goals for logins, and for the list while there are many."""
    flood = Goal(Figure.P99, Key(LOGIN_ROWS, NO_FLOOD, SERVICE), 2, scenario=UNDER_FLOOD)
    loops = [
        Goal(Figure.THROUGHPUT, Key(None, password.scenario, ARGON2ID), 0.9, scenario=password.scenario)
        for password in Password
    ]
    return [*loops, flood]
