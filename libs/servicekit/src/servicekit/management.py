"""The management port: liveness, readiness and metrics, never routed by the gateway."""

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from servicekit.bare import bare_app
from servicekit.envelope import failure, success
from servicekit.health import Health


def management_app(health: Health) -> Flask:
    """Make the application of the management port."""
    app = bare_app("management")
    app.add_url_rule("/healthz", view_func=_healthz)
    app.add_url_rule("/readyz", endpoint="readyz", view_func=lambda: _readyz(health))
    app.add_url_rule("/metrics", view_func=_metrics)
    return app


def _healthz() -> Response:
    # Alive means that this thread runs. A dependency that is away is no reason to be restarted.
    return success(msg="alive")


def _readyz(health: Health) -> Response:
    failures = health.failures()
    if failures:
        return failure(503, "not ready: " + ", ".join(f"{name} ({error})" for name, error in failures.items()))
    return success(msg="ready")


def _metrics() -> Response:
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
