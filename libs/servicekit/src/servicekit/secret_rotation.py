"""What the rotations of keys and certificates in a Secret have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cryptography import x509


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


def parse_certificate(data: Mapping[str, bytes], name: str) -> x509.Certificate:
    """Return the certificate in the key `name` of a Secret. Raises ValueError naming that key."""
    if name not in data:
        raise ValueError(f"{name} is missing")
    try:
        return x509.load_pem_x509_certificate(data[name])
    except ValueError as error:
        raise ValueError(f"{name}: contains no certificate in PEM: {error}") from error
