"""Causes alerts to fire, waits until Alertmanager has them and until they are resolved, and measures both."""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from threading import Lock
from typing import Any

from tests.e2e.monitoring.prometheus import SPEED, Monitoring

FIRE_SECONDS = 180  # from a cause until its alerts fire, and at most until they are resolved
RESOLVE_SECONDS = 240
QUIET_SECONDS = 90  # until none of a cause's alerts fires from before
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Alert:
    """An alert that is expected to fire, with some of its labels."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()

    def is_among(self, firing: list[dict[str, Any]]) -> bool:
        """Tell whether it is one of these alerts."""
        wanted = {"alertname": self.name, **dict(self.labels)}.items()
        return any(wanted <= each["labels"].items() for each in firing)


@dataclass(frozen=True)
class Cause:
    """A fault, which ends with the block of `fault`, and the alerts that it makes fire."""

    reason: str
    fault: Callable[[], AbstractContextManager[None]]
    alerts: tuple[Alert, ...]


@dataclass(frozen=True)
class Outcome:
    """What was measured of one alert, in seconds; None: not within the limit."""

    alert: str
    reason: str
    fired: float | None
    resolved: float | None


class Observer:
    """Carries out causes; several threads may use it."""

    def __init__(self, monitored: Monitoring, print_line: Callable[[str], None]) -> None:
        self._monitored = monitored
        self._print_line = print_line
        self._lock = Lock()
        self.outcomes: dict[str, Outcome] = {}

    def observe(
        self, *causes: Cause, meanwhile: Callable[[], object] = lambda: None, fire_seconds: float = FIRE_SECONDS
    ) -> None:
        """Begin all causes, wait until their alerts fire, end the causes in reverse order, wait until all resolve.

        `meanwhile` is called again and again until the alerts fire. Raises AssertionError if one fires from before.
        """
        expected = {alert for cause in causes for alert in cause.alerts}
        noisy = expected - self._wait(expected, False, QUIET_SECONDS, lambda: None).keys()
        assert not noisy, f"these alerts fire before their cause: {noisy}"
        began: dict[Alert, float] = {}
        ended: dict[Alert, float] = {}
        reasons = {alert: cause.reason for cause in causes for alert in cause.alerts}
        with ExitStack() as stack:
            for cause in causes:
                began |= dict.fromkeys(cause.alerts, time.monotonic())
                stack.enter_context(cause.fault())
                stack.callback(_note_time, ended, cause.alerts)  # called before the end of the fault
            fired = self._wait(reasons, True, fire_seconds, meanwhile)
        resolved = self._wait(fired, False, RESOLVE_SECONDS, lambda: None)
        for alert, reason in reasons.items():
            self._add(
                Outcome(
                    alert.name,
                    reason,
                    _difference(fired.get(alert), began[alert]),
                    _difference(resolved.get(alert), ended[alert]),
                )
            )

    def _wait(
        self, alerts: Iterable[Alert], firing: bool, seconds: float, meanwhile: Callable[[], object]
    ) -> dict[Alert, float]:
        """Return when each alert was first seen to fire, or not to fire any more; without those that were not."""
        missing, seen = set(alerts), dict[Alert, float]()
        deadline = time.monotonic() + seconds
        while missing and time.monotonic() < deadline:
            meanwhile()
            current = self._monitored.firing()
            now = time.monotonic()
            found = {alert for alert in missing if alert.is_among(current) == firing}
            seen |= dict.fromkeys(found, now)
            missing -= found
            time.sleep(POLL_SECONDS)
        return seen

    def _add(self, outcome: Outcome) -> None:
        with self._lock:
            self.outcomes[outcome.alert] = outcome
            self._print_line(table([outcome]).splitlines()[-1])


def table(outcomes: Iterable[Outcome]) -> str:
    """Return the Markdown table of what was measured."""
    lines = [
        "| Alert | Cause | Fired after, s | Resolved after, s |",
        "|---|---|---|---|",
        *(f"| {each.alert} | {each.reason} | {_shown(each.fired)} | {_shown(each.resolved)} |" for each in outcomes),
    ]
    return "\n".join(lines) + "\n"


def section(outcomes: Iterable[Outcome], when: str) -> str:
    """Return the part of docs/operations.md with the table."""
    return (
        f"Measured {when} by `make e2e-observability` on the one-node cluster, every `for`, range and offset of the"
        f" rules divided by {SPEED}:\n\n{table(outcomes)}"
    )


def _note_time(times: dict[Alert, float], alerts: Iterable[Alert]) -> None:
    times |= dict.fromkeys(alerts, time.monotonic())


def _difference(later: float | None, earlier: float) -> float | None:
    return None if later is None else max(0.0, later - earlier)


def _shown(seconds: float | None) -> str:
    return "not" if seconds is None else f"{seconds:.0f}"
