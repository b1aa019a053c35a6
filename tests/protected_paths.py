"""The requests to the gateway that need a token or an admin's, and other ways to write their paths."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tests.load.connections import connect

PROTECTED_PATHS = (  # of GET
    "/auth/claims",
    "/auth/sessions",
    "/fetch/claims",
    "/fetch/rate",
    "/fetch/rate/history",
    "/fetch/resource",
    "/fetch/resource/aggregate",
)
# These and those of admins are all that the OpenAPI documents have (tests/contract/test_openapi.py).
PROTECTED_REQUESTS = (
    *(("GET", path) for path in PROTECTED_PATHS),
    ("POST", "/auth/logout"),
    ("PUT", "/auth/name"),
    ("PUT", "/auth/password"),
    ("DELETE", "/auth/sessions"),
    ("DELETE", "/auth/sessions/1"),
    ("HEAD", "/fetch/resource"),
    ("OPTIONS", "/fetch/resource"),
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
# That Envoy turns into the path itself, so that whoever may request that gets the same answer.
NORMALIZED = ("//{first}/{rest}", "/{first}//{rest}", "/{first}/./{rest}", "/{first}/x/../{rest}", "/{first}/{encoded}")
SPELLINGS = (
    *NORMALIZED,
    "///{first}/{rest}",
    "/.//{first}/{rest}",
    "/ping/../{first}/{rest}",
    "/docs/../{first}/{rest}",
    "/docs//../{first}/{rest}",
    "/{first}/claims/../{rest}",
    "/{first}/swagdocs/../{rest}",
    "/{first}/swagdocs/%2e%2e/{rest}",
    "/{first}/swagdocs/..;/{rest}",
    "/{first}/%2e/{rest}",
    "/{first}/x/%2e%2e/{rest}",
    "/{first}/x/.%2E/{rest}",
    "/{first}/%252e/{rest}",
    "/{first}/{twice_encoded}",
    "/{first}%2F{rest}",
    "/{first}%2f{rest}",
    "/{first}%252F{rest}",
    "/{first}%5C{rest}",
    "/{first}%5c{rest}",
    "/{first}\\{rest}",
    "\\{first}\\{rest}",
    "/{first}/{rest};x=1",
    "/{first};x=1/{rest}",
    "/{first}/;/{rest}",
    "/{first}/{rest}/",
    "/{first}/{rest}//",
    "/{first}/{rest}/.",
    "/{first}/{rest}/x/..",
    "/{first}/{rest}%2F",
    "/{first}/{rest}%00",
    "/{first}/%00{rest}",
    "/{first}/{rest}\0",
    "/{first}/{rest}%20",
    "/{first}/{rest}%09",
    "/{first}/{rest}%0a",
    "/{first}/{rest}%0d%0aX:%201",
    "/{first}/{rest}.json",
    "/{first}/{rest}*",
    "/{first}/{upper}",
    "/{first_upper}/{rest}",
    "/{first}/{rest}?",
    "/{first}/{rest}?x=1",
    "/{first}/{rest}%3fx=1",
    "/{first}/{rest}?x=/{first}/swagdocs",
    "/{first}/{rest}#x",
    "/{first}/{rest}%23x",
    "/{first}/{rest}%ef%bc%8f",  # a fullwidth slash
    "/{first}\uff0f{rest}",
    "/{first}%c0%af{rest}",  # overlong UTF-8 of a slash
    "/{first}/%c0%ae/{rest}",  # and of a dot
    "/{first}/{rest}%",
    "/{first}/{rest}%zz",
    "/{first}/%u0061{rest}",
    "{first}/{rest}",
    "http://x/{first}/{rest}",
    "http://x//{first}/{rest}",
    "http://user@x:80/{first}/{rest}",
    "https://x/{first}/{rest}",
    "//x/{first}/{rest}",
)
# By name: a target that is written as usual, with headers that one server or another reads it from, or a body.
USUAL = "/{first}/{rest}"
MESSAGES = {
    "host with a trailing dot": (USUAL, "Host: x.\r\n\r\n"),
    "host with a path": (USUAL, "Host: x/ping\r\n\r\n"),
    "two hosts": (USUAL, "Host: x\r\nHost: y\r\n\r\n"),
    "chunked body": (USUAL, "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "body": (USUAL, "Host: x\r\nContent-Length: 2\r\n\r\n{}"),
    "HTTP/2 upgrade": (USUAL, "Host: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n"),
    "original path": (USUAL, "Host: x\r\nX-Envoy-Original-Path: /ping\r\nX-Original-URL: /ping\r\n\r\n"),
    "other method": (USUAL, "Host: x\r\nX-HTTP-Method-Override: OPTIONS\r\n\r\n"),
    "preflight": (USUAL, "Host: x\r\nOrigin: http://x\r\nAccess-Control-Request-Method: GET\r\n\r\n"),
}


def spell(pattern: str, path: str) -> str:
    """Write `path` as `pattern` says."""
    first, rest = path[1:].split("/", 1)  # the service, and its part of the path
    encoded = f"%{ord(rest[0]):02x}{rest[1:]}"
    return pattern.format(
        first=first,
        rest=rest,
        encoded=encoded,
        twice_encoded=encoded.replace("%", "%25", 1),
        upper=rest.upper(),
        first_upper=first.upper(),
    )


def other_requests(method: str, path: str, headers: Mapping[str, str]) -> dict[str, bytes]:
    """Make requests, by name, that one server or another could take for `method` and `path`."""
    given = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    written = {name: (name, "Host: x\r\nConnection: close\r\n\r\n") for name in SPELLINGS} | MESSAGES
    return {
        name: f"{method} {spell(target, path)} HTTP/1.1\r\n{given}{rest}".encode()
        for name, (target, rest) in written.items()
    }


def statuses(url: str, requests: Mapping[str, bytes]) -> dict[str, int]:
    """Send requests as they are, several at a time; return the statuses of the answers."""
    with ThreadPoolExecutor(8) as pool:
        return dict(zip(requests, pool.map(lambda data: _status(url, data), requests.values()), strict=True))


def not_refused(answers: Mapping[str, int], refusals: Iterable[int]) -> dict[str, int]:
    """Return the answers with another status than these."""
    return {name: status for name, status in answers.items() if status not in refusals}


def _status(url: str, data: bytes) -> int:
    with closing(connect(url, timeout=20)) as client:
        client.sendall(data)
        line = client.makefile("rb").readline()
    assert line.startswith(b"HTTP/1.1 "), (data, line)
    return int(line.split()[1])
