"""What the rotations of keys and certificates in a Secret have in common: the steps, and the times of those taken."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Step(StrEnum):
    """What a run does to the Secret."""

    PUBLISH = "publish"
    ACTIVATE = "activate"
    RETIRE = "retire"
    RESTART_WAIT = "restart_wait"


@dataclass(frozen=True)
class Due:
    """The next step, and the earliest time for it."""

    step: Step
    at: datetime


def time_of_step(annotation: str | None) -> datetime | None:
    """Return the time in an annotation; None if it is missing or malformed, as after a person's change."""
    try:
        found = datetime.fromisoformat(annotation or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
