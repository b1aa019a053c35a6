"""Request ids, and one log line and one metric for each request."""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

from servicekit import metrics

REQUEST_ID_HEADER = "X-Request-ID"  # the name that Envoy uses and passes on
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
log = structlog.get_logger(__name__)


def observe_requests(app: Flask) -> None:
    """Give each request an id; log and count its method, route, status and duration, never its body or query."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(lambda _error: structlog.contextvars.clear_contextvars())


def _begin() -> None:
    given = request.headers.get(REQUEST_ID_HEADER, "")
    # A client's id goes into the logs and to other services: accept only characters that cannot forge a log line.
    g.request_id = given if _SAFE_ID.fullmatch(given) else str(uuid.uuid4())
    g.request_started = time.perf_counter()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.request_started
    # The route's template, not the path: the number of label values must be limited.
    route = request.url_rule.rule if request.url_rule else "unmatched"
    metrics.observe_request(request.method, route, response.status_code, seconds)
    log.info("request", method=request.method, route=route, status=response.status_code, ms=round(seconds * 1e3, 1))
    response.headers[REQUEST_ID_HEADER] = g.request_id
    return response
