"""The management port: liveness, readiness and metrics; the gateway does not route it."""

from collections.abc import Callable

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from servicekit.bare import bare_app
from servicekit.envelope import failure, success


def management_app(not_ready: Callable[[], str | None] = lambda: None) -> Flask:
    """Make the application of the management port; `/readyz` answers 503 while `not_ready` returns a reason."""
    app = bare_app("management")
    app.add_url_rule("/healthz", view_func=_healthz)
    app.add_url_rule("/readyz", endpoint="readyz", view_func=lambda: _readyz(not_ready))
    app.add_url_rule("/metrics", view_func=_metrics)
    return app


def _healthz() -> Response:
    # The process runs. An unavailable dependency is no reason to restart it.
    return success(msg="alive")


def _readyz(not_ready: Callable[[], str | None]) -> Response:
    # A check of a shared dependency would make all pods unready at once (ADR 6).
    reason = not_ready()
    return failure(503, reason) if reason else success(msg="ready")


def _metrics() -> Response:
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
