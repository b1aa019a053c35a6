"""The paths of the gateway that need a token, and requests that need an admin's."""

PROTECTED_PATHS = (
    "/auth/claims",
    "/fetch/claims",
    "/fetch/rate",
    "/fetch/rate/history",
    "/fetch/resource",
    "/fetch/resource/aggregate",
)
# Refused by the mesh whether or not the service has the path.
ADMIN_REQUESTS = (
    ("GET", "/auth/users"),
    ("GET", "/auth/users/1"),
    ("PATCH", "/auth/users/1"),
    ("POST", "/auth/users/1/password"),
    ("GET", "/auth/audit"),
    ("GET", "/fetch/resource/aggregate"),
)


def other_spellings(path: str) -> list[str]:
    """Write `path` in other ways that one server or another takes for the same."""
    first, rest = path[1:].split("/", 1)  # the service, and its part of the path
    encoded = f"%{ord(rest[0]):02x}{rest[1:]}"
    return [
        f"//{first}/{rest}",
        f"/{first}//{rest}",
        f"/{first}/./{rest}",
        f"/{first}/x/../{rest}",
        f"/{first}/%2e/{rest}",
        f"/{first}/x/%2e%2e/{rest}",
        f"/{first}/{encoded}",
        f"/{first}/{encoded.replace('%', '%25', 1)}",
        f"/{first}%2F{rest}",
        f"/{first}%5C{rest}",
        f"/{first}\\{rest}",
        f"/{first}/{rest};x=1",
        f"/{first};x=1/{rest}",
        f"/{first}/{rest}/",
        f"/{first}/{rest}/.",
        f"/{first}/{rest}%00",
        f"/{first}/{rest}%20",
        f"/{first}/{rest}%0a",
        f"/{first}/{rest.upper()}",
        f"/{first}/{rest}?x=1",
        f"/{first}/{rest}%3fx=1",
        f"/{first}/{rest}#x",
        f"/{first}/claims/../{rest}",
        f"/{first}/{rest}%ef%bc%8f",
    ]
