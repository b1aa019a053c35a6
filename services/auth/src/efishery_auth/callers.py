"""Who sent a request with a token."""

from dataclasses import dataclass

from servicekit.tokens import current_claims


@dataclass(frozen=True)
class Caller:
    """The user of the token, and its session; None for a token without one."""

    user_id: int
    session_id: str | None


def current_caller() -> Caller:
    """Return the caller of the current request; only in a view that requires a token."""
    claims = current_claims()
    return Caller(int(claims["sub"]), claims.get("sid"))
