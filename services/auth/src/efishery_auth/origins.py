"""Where a request came from, for sessions and the audit log."""

from dataclasses import dataclass

from flask import g, request

USER_AGENT_LENGTH = 200


@dataclass(frozen=True)
class Origin:
    """The client's address, its User-Agent (cut to 200 characters), and the id of the request."""

    address: str
    user_agent: str
    request_id: str


COMMAND_LINE = Origin(address="", user_agent="command line", request_id="")


def current_origin() -> Origin:
    """Return the origin of the current request."""
    return Origin(
        # Behind proxies, ProxyFix has put the client's address there (AUTH_TRUSTED_PROXIES).
        address=request.remote_addr or "",
        user_agent=request.headers.get("User-Agent", "")[:USER_AGENT_LENGTH],
        request_id=g.request_id,
    )
