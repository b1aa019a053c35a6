"""Spans of requests and of tasks in the background, if OTEL_EXPORTER_OTLP_ENDPOINT is set (ADR 16).

Else nothing of OpenTelemetry is imported.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from wsgiref.types import WSGIApplication

if TYPE_CHECKING:
    from servicekit.spans import Spans

Attributes = dict[str, str | int]

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
ROUTE_KEY = "servicekit.http_route"  # in the WSGI environment: the URL template, set before the response starts

_spans: "Spans | None" = None


def start_tracing(service_name: str) -> None:
    """Record spans from now on, if an endpoint is set; `OTEL_SERVICE_NAME` takes precedence over the name.

    Call it in the process that serves, after the fork: a thread sends the spans. Raises RuntimeError if an endpoint is
    set and OpenTelemetry is not installed.
    """
    global _spans
    if not any(os.environ.get(name) for name in ENDPOINT_VARIABLES):
        return
    try:
        from servicekit.spans import Spans
    except ImportError as error:
        raise RuntimeError(
            f"{ENDPOINT_VARIABLES[0]} is set, but OpenTelemetry is not installed: install efishery-servicekit[otel] "
            "or unset the variable"
        ) from error
    _spans = Spans(service_name)


def traced(app: WSGIApplication) -> WSGIApplication:
    """Return `app` with a span for each request; `app` itself before `start_tracing` or without an endpoint."""
    return _spans.server(app) if _spans else app


@contextmanager
def task(name: str) -> Iterator[None]:
    """Record the block, work in the background for no request, as a trace of its own."""
    if _spans is None:
        yield
        return
    with _spans.task(name):
        yield


@contextmanager
def span(name: str, attributes: Attributes, headers: dict[str, str] | None = None) -> Iterator[Attributes]:
    """Record the block as a span of a call to another system, below that of the request or task.

    Outside of both nothing is recorded: each poll of a database would be a trace. Names and attributes are
    OpenTelemetry's (https://opentelemetry.io/docs/specs/semconv/); no value of a request belongs there. Yields a
    dictionary for attributes that only the answer brings. An exception is recorded as the attribute `error.type`: its
    `outcome` if it has one, else its class, never its text. The trace is written into `headers`.
    """
    if _spans is None:
        yield {}
        return
    with _spans.client(name, attributes, headers) as of_answer:
        yield of_answer
