"""Request ids, traces, and one log line and one metric for each request."""

import random
import re
import time
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType

import structlog
from flask import Flask, Response, g, request

from servicekit import logging
from servicekit.metrics import NO_ROUTE, known_method, server_duration
from servicekit.trace_context import TRACEPARENT, TRACESTATE, headers_to_pass_on, trace_id_of
from servicekit.tracing import ROUTE_KEY

REQUEST_ID_HEADER = "X-Request-ID"  # the name that Envoy uses and passes on
_is_safe_id = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_NOTHING: Mapping[str, str] = MappingProxyType({})
_passed_on: ContextVar[Mapping[str, str]] = ContextVar("passed_on", default=_NOTHING)


def request_id_from(header: str | None) -> str:
    """Return the id of a request: the one in its header X-Request-ID if that is safe, else a new one.

    A client's id goes into the logs and to other services: only characters that cannot forge a log line are accepted.
    """
    return header if header and _is_safe_id(header) else new_request_id()


def new_request_id() -> str:
    """Return 128 random bits in hexadecimal digits. The id is no secret, so it needs no system call for them."""
    return f"{random.getrandbits(128):032x}"


def headers_of_request() -> dict[str, str]:
    """Return the headers that outgoing requests take over from the current one: its id and its trace; empty outside."""
    return dict(_passed_on.get())


def log_request(
    method: str, route: str, status: int, seconds: float, request_id: str, trace_id: str | None = None
) -> None:
    """Write the line of one request. `route` is the URL template or NO_ROUTE: paths and queries may hold secrets."""
    event: dict[str, str | int | float] = {
        "method": known_method(method),  # any text may come as a method
        "route": route,
        "status": status,
        "ms": round(seconds * 1e3, 1),
        "request_id": request_id,
    }
    if trace_id:
        event["trace_id"] = trace_id
    logging.info(__name__, "request", event)


def observe_requests(app: Flask) -> None:
    """Give each request an id; log and measure its method, route, status and duration, never its body or query."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)


def _begin() -> None:
    headers = request.headers
    g.request_id = request_id_from(headers.get(REQUEST_ID_HEADER))
    trace = headers_to_pass_on(headers.get(TRACEPARENT), headers.get(TRACESTATE))
    g.trace_id = trace_id_of(trace.get(TRACEPARENT))
    g.request_started = time.perf_counter()
    _passed_on.set({REQUEST_ID_HEADER: g.request_id, **trace})
    structlog.contextvars.bind_contextvars(request_id=g.request_id, **({"trace_id": g.trace_id} if g.trace_id else {}))


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.request_started
    route = request.url_rule.rule if request.url_rule else NO_ROUTE
    request.environ[ROUTE_KEY] = route
    server_duration(request.method, route, response.status_code).observe(seconds)
    log_request(request.method, route, response.status_code, seconds, g.request_id, g.trace_id)
    response.headers[REQUEST_ID_HEADER] = g.request_id
    return response


def _forget(_error: BaseException | None) -> None:
    structlog.contextvars.clear_contextvars()
    _passed_on.set(_NOTHING)
