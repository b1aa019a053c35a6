"""A request id, one line in the access log and one observation in the histogram for each request."""

import os
import re
import time
from datetime import UTC, datetime
from uuid import uuid4

import orjson
from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
STDOUT = 1
DURATION = Histogram(
    "http_server_request_duration_seconds", "Time to answer, in seconds", ["method", "route", "status"]
)


class Observe:
    """A plain ASGI middleware: Starlette's BaseHTTPMiddleware costs a task for each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = Headers(scope=scope).get("x-request-id", "")
        if not SAFE_ID.fullmatch(request_id):
            request_id = str(uuid4())
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            _record(scope, status, request_id, time.perf_counter() - started)


def _record(scope: Scope, status: int, request_id: str, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "unmatched")
    DURATION.labels(scope["method"], route, str(status)).observe(seconds)
    line = {
        "event": "request",
        "timestamp": datetime.now(UTC),
        "level": "info",
        "request_id": request_id,
        "method": scope["method"],
        "route": route,
        "status": status,
        "ms": round(seconds * 1e3, 1),
    }
    os.write(STDOUT, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
