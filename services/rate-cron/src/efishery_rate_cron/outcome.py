"""How a run ends: its outcome, its exit code and its last log line."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import structlog

from efishery_rate_cron.selection import Answer, change_percent

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """The first three are also the names of counters in Redis (`rate_record.RUNS_KEY`)."""

    WRITTEN = "written"
    NO_PROVIDER = "no_provider"
    REFUSED = "refused"
    REDIS_UNAVAILABLE = "redis_unavailable"
    TERMINATED = "terminated"


# 2 is for bad settings and arguments. README.md and the chart's podFailurePolicy have the same numbers.
EXIT_CODES = {
    Outcome.WRITTEN: 0,
    Outcome.NO_PROVIDER: 1,
    Outcome.REFUSED: 3,
    Outcome.REDIS_UNAVAILABLE: 4,
    Outcome.TERMINATED: 143,  # 128 + SIGTERM, as a shell reports a process that it ended
}


@dataclass(frozen=True)
class Result:
    """The outcome of a run; `answer` is the one that was written or refused, `reason` that of a failure."""

    outcome: Outcome
    answer: Answer | None = None
    previous: Decimal | None = None
    reason: str | None = None

    def log(self) -> None:
        """Write the one line that tells what the run did."""
        write = log.info if self.outcome is Outcome.WRITTEN else log.error
        write("run_finished", outcome=str(self.outcome), **self._fields())

    def _fields(self) -> dict[str, str | float | None]:
        quote = self.answer.quote if self.answer else None
        change = change_percent(quote.rate, self.previous) if quote and self.previous else None
        return {
            "provider": self.answer.provider if self.answer else None,
            "rate": f"{quote.rate:f}" if quote else None,
            "previous_rate": f"{self.previous:f}" if self.previous else None,
            "change_percent": round(float(change), 2) if change is not None else None,
            "as_of": quote.as_of if quote else None,
            "reason": self.reason,
        }
