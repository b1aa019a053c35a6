"""The OpenTelemetry side of tracing.py; needs the extra `otel`.

Settings are OpenTelemetry's own variables: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
Attributes are those of its HTTP conventions: https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from servicekit.metrics import known_method
from servicekit.trace_context import TRACEPARENT, TRACESTATE, headers_to_pass_on
from servicekit.tracing import ROUTE_KEY

if TYPE_CHECKING:
    from _typeshed import OptExcInfo

MAX_PATH_CHARACTERS = 256
_ENVIRON_KEYS = {"HTTP_TRACEPARENT": TRACEPARENT, "HTTP_TRACESTATE": TRACESTATE}
_propagator = TraceContextTextMapPropagator()  # not baggage: a client's would go on to the upstream


class Spans:
    """Records spans and sends them in the background to the OTLP endpoint of the environment."""

    def __init__(self, service_name: str) -> None:
        resource = Resource.create({SERVICE_NAME: service_name}).merge(OTELResourceDetector().detect())
        provider = TracerProvider(resource=resource)
        provider.add_span_processor(BatchSpanProcessor(_Exporter()))
        trace.set_tracer_provider(provider)
        self._tracer = trace.get_tracer("servicekit")
        _instrument_libraries()

    def server(self, app: WSGIApplication) -> WSGIApplication:
        """Return `app` with a span for each request.

        The application finds this span as the `traceparent` of its request, so that it logs it and passes it on.
        """

        def traced_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            given = headers_to_pass_on(*map(environ.get, _ENVIRON_KEYS))
            method = known_method(environ["REQUEST_METHOD"])
            attributes: dict[str, str] = {
                "http.request.method": method,
                "url.path": environ.get("PATH_INFO", "")[:MAX_PATH_CHARACTERS],
                "url.scheme": environ.get("wsgi.url_scheme", "http"),
            }
            context = _propagator.extract(given)
            with self._tracer.start_as_current_span(method, context, SpanKind.SERVER, attributes) as span:
                _replace_trace(environ)

                def start(
                    status: str, headers: list[tuple[str, str]], exc_info: "OptExcInfo | None" = None, /
                ) -> Callable[[bytes], object]:
                    _finish_server(span, method, environ.get(ROUTE_KEY), int(status[:3]))
                    return start_response(status, headers, exc_info)

                return app(environ, start)

        return traced_app

    @contextmanager
    def client(
        self, method: str, url: str, server: tuple[str, int], headers: dict[str, str]
    ) -> Iterator[Callable[[int | None, str], None]]:
        """Record the block as the span of an outgoing request; see `tracing.client_span`."""
        host, port = server
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "server.address": host,
            "server.port": port,
            "url.full": _without_query(url),
        }
        with self._tracer.start_as_current_span(method, None, SpanKind.CLIENT, attributes) as span:
            headers.pop(TRACESTATE, None)
            _propagator.inject(headers)
            yield lambda status, error_type: _finish_client(span, status, error_type)


def _replace_trace(environ: WSGIEnvironment) -> None:
    current: dict[str, str] = {}
    _propagator.inject(current)
    for key, header in _ENVIRON_KEYS.items():
        environ.pop(key, None)
        if header in current:
            environ[key] = current[header]


def _finish_server(span: Span, method: str, route: str | None, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if route:
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
    if status >= 500:  # 4xx are the client's errors, not the server's
        _set_error(span, str(status))


def _finish_client(span: Span, status: int | None, error_type: str) -> None:
    if status is not None:
        span.set_attribute("http.response.status_code", status)
    if status is not None and status >= 400:
        _set_error(span, str(status))
    elif error_type:
        _set_error(span, error_type)


def _set_error(span: Span, error_type: str) -> None:
    span.set_attribute("error.type", error_type)
    span.set_status(StatusCode.ERROR)


def _without_query(url: str) -> str:
    """Return the URL without credentials and query, which may hold a key."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _instrument_libraries() -> None:
    """Record the calls of each library for which the service depends on an instrumentation."""
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "database")  # the names that are stable
    for entry_point in entry_points(group="opentelemetry_instrumentor"):
        entry_point.load()().instrument()


class _Exporter(OTLPSpanExporter):
    """Leaves out the texts of exceptions: MySQL's repeats a duplicate phone, that of a connection the URL."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans."""
        return super().export([_without_texts(span) for span in spans])


def _without_texts(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
