"""The OpenTelemetry side of tracing.py; needs the extra `otel`.

Settings are OpenTelemetry's variables: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
Spans of requests are those of its HTTP conventions: https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from servicekit.metrics import known_method
from servicekit.trace_context import TRACEPARENT, TRACESTATE, headers_to_pass_on
from servicekit.tracing import ROUTE_KEY, Attributes

if TYPE_CHECKING:
    from _typeshed import OptExcInfo

MAX_PATH_CHARACTERS = 256
_ENVIRON_KEYS = {"HTTP_TRACEPARENT": TRACEPARENT, "HTTP_TRACESTATE": TRACESTATE}
_propagator = TraceContextTextMapPropagator()  # no baggage: it would be passed on to the upstream


class Spans:
    """Records spans, and sends them in the background to the OTLP endpoint of the environment."""

    def __init__(self, service_name: str) -> None:
        resource = Resource.create({SERVICE_NAME: service_name}).merge(OTELResourceDetector().detect())
        provider = TracerProvider(resource=resource)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = provider.get_tracer("servicekit")

    def server(self, app: WSGIApplication) -> WSGIApplication:
        """Return `app` with a span for each request.

        The application finds this span as the `traceparent` of its request, so that it logs it and passes it on.
        """

        def traced_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            parent = _propagator.extract(headers_to_pass_on(*map(environ.get, _ENVIRON_KEYS)))
            method = known_method(environ["REQUEST_METHOD"])
            attributes: Attributes = {
                "http.request.method": method,
                "url.path": environ.get("PATH_INFO", "")[:MAX_PATH_CHARACTERS],
                "url.scheme": environ.get("wsgi.url_scheme", "http"),
            }
            with self._start(method, SpanKind.SERVER, attributes, parent) as current:
                _replace_trace(environ)

                def start(
                    status: str, headers: list[tuple[str, str]], exc_info: "OptExcInfo | None" = None, /
                ) -> Callable[[bytes], object]:
                    _finish_server(current, method, environ.get(ROUTE_KEY), int(status[:3]))
                    return start_response(status, headers, exc_info)

                return app(environ, start)

        return traced_app

    def task(self, name: str) -> AbstractContextManager[Span]:
        """Record the block as the first span of a trace."""
        return self._start(name, SpanKind.INTERNAL, {}, Context())

    @contextmanager
    def client(self, name: str, attributes: Attributes, headers: dict[str, str] | None) -> Iterator[Attributes]:
        """Record the block as a span of a call; see `tracing.span`."""
        of_answer: Attributes = {}
        if not get_current_span().get_span_context().is_valid:
            yield of_answer
            return
        with self._start(name, SpanKind.CLIENT, attributes) as current:
            if headers is not None:
                headers.pop(TRACESTATE, None)
                _propagator.inject(headers)
            try:
                yield of_answer
            except Exception as error:
                of_answer.setdefault("error.type", getattr(error, "outcome", type(error).__name__))
                raise
            finally:
                current.set_attributes(of_answer)
                if "error.type" in of_answer:
                    current.set_status(StatusCode.ERROR)

    def _start(
        self, name: str, kind: SpanKind, attributes: Attributes, parent: Context | None = None
    ) -> AbstractContextManager[Span]:
        # Texts of exceptions are left out: MySQL's repeats a phone, that of a connection the URL with its key.
        return self._tracer.start_as_current_span(
            name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
        )


def _replace_trace(environ: WSGIEnvironment) -> None:
    current: dict[str, str] = {}
    _propagator.inject(current)
    for key, header in _ENVIRON_KEYS.items():
        environ.pop(key, None)
        if header in current:
            environ[key] = current[header]


def _finish_server(current: Span, method: str, route: str | None, status: int) -> None:
    current.set_attribute("http.response.status_code", status)
    if route:
        current.update_name(f"{method} {route}")
        current.set_attribute("http.route", route)
    if status >= 500:  # 4xx are errors of the client
        current.set_attribute("error.type", str(status))
        current.set_status(StatusCode.ERROR)
