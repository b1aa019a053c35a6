"""Prometheus metrics of all HTTP services; a service defines further ones with prometheus_client.

Names, labels and buckets are those of OpenTelemetry's HTTP conventions, as Prometheus spells them (ADR 16):
https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
"""

from functools import lru_cache
from http import HTTPStatus

from prometheus_client import Histogram

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)  # seconds
OTHER = "_OTHER"  # the convention's value for what a caller made up: each would be a time series
NO_ROUTE = ""  # the route of a path that has none; to Prometheus, the same as a series without the label
METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"}  # RFC 9110, 5789, 10008
)
STATUS_CODES = frozenset(str(status.value) for status in HTTPStatus)

SERVER_DURATION = Histogram(
    "http_server_request_duration_seconds",
    "Duration of HTTP server requests.",
    ["http_request_method", "http_route", "http_response_status_code"],
    buckets=BUCKETS,
)
CLIENT_DURATION = Histogram(
    "http_client_request_duration_seconds",
    "Duration of HTTP client requests, with redirects and the second attempt.",
    ["http_request_method", "server_address", "server_port", "http_response_status_code", "error_type"],
    buckets=BUCKETS,
)


def known_method(method: str) -> str:
    """Return the method, or `_OTHER` for one that is not registered."""
    return method if method in METHODS else OTHER


def server_duration(method: str, route: str, status: int) -> Histogram:
    """Return the series of these labels; `observe(seconds)` records one request.

    `route` is the URL template, never the path, or NO_ROUTE. A caller on a hot path keeps what this returns.
    """
    return _series(known_method(method), route, status)


@lru_cache(maxsize=1024)  # labels() costs more than the recording
def _series(method: str, route: str, status: int) -> Histogram:
    return SERVER_DURATION.labels(method, route, status)
