"""What a service needs in order to answer, asked at each readiness probe."""

from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

Check = Callable[[], None]


class Health:
    """The named checks of one service. A check returns nothing when all is well and raises when it is not."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Register `check`; it must bound its own time, well under the probe's timeout."""
        self._checks[name] = check

    def failures(self) -> dict[str, str]:
        """Run all checks; answer the kind of error of each that failed, by the check's name."""
        return {name: reason for name, check in self._checks.items() if (reason := _failure(name, check))}


def _failure(name: str, check: Check) -> str | None:
    try:
        check()
    except Exception as error:  # noqa: BLE001 -- whatever a dependency raises means that it is not ready
        log.warning("not_ready", check=name, error=str(error))
        return type(error).__name__
    return None
