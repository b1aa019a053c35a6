"""Where a request came from, for sessions and the audit log."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

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
        address=normalise_address(request.remote_addr or ""),
        user_agent=request.headers.get("User-Agent", "")[:USER_AGENT_LENGTH],
        request_id=g.request_id,
    )


def normalise_address(text: str) -> str:
    """Return an IP address in its shortest form, IPv4 in IPv6 as IPv4; "" if it is none.

    A header without a trusted proxy before it can hold anything.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(address.ipv4_mapped or address) if isinstance(address, IPv6Address) else str(address)


def network(address: str) -> str:
    """Return what one client has of a normalised address: all of an IPv4 address, the /64 of an IPv6 address."""
    return str(ip_network((address, 64), strict=False)) if ":" in address else address
