"""Single requests to a target, for checks and for the content that references serve."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from efishery_run.errors import LaunchError

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """Status, body as sent, and headers by their name in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def get(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """GET `url` without following redirects or using a proxy; raises LaunchError without an answer."""
    return _request("GET", url, headers or {}, None)


def post(url: str, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    """POST a JSON object; raises LaunchError without an answer."""
    return _send("POST", url, body, headers or {})


def put(url: str, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    """PUT a JSON object; raises LaunchError without an answer."""
    return _send("PUT", url, body, headers or {})


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token (RFC 6750)."""
    return {"Authorization": f"Bearer {token}"}


def _send(method: str, url: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
    return _request(method, url, {"Content-Type": "application/json", **headers}, json.dumps(body).encode())


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, dict(headers))
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, received, response.read())
    except (OSError, http.client.HTTPException) as error:
        raise LaunchError(f"{method} {url}: no answer: {error}") from error
    finally:
        connection.close()
