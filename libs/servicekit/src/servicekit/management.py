"""The management port: liveness, readiness and metrics; the gateway does not route it."""

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from servicekit.bare import bare_app
from servicekit.envelope import success


def management_app() -> Flask:
    """Make the application of the management port."""
    app = bare_app("management")
    app.add_url_rule("/healthz", view_func=_healthz)
    app.add_url_rule("/readyz", view_func=_readyz)
    app.add_url_rule("/metrics", view_func=_metrics)
    return app


def _healthz() -> Response:
    # The process runs. An unavailable dependency is no reason to restart it.
    return success(msg="alive")


def _readyz() -> Response:
    # Ready once the port is open. A check of a shared dependency would make all pods unready at once (ADR 6).
    return success(msg="ready")


def _metrics() -> Response:
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
