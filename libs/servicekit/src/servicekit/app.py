"""The Flask application that all HTTP services extend."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import ClientDisconnected

from servicekit import logging
from servicekit.background import serve_in_background
from servicekit.bare import bare_app
from servicekit.envelope import failure, success
from servicekit.management import management_app
from servicekit.observability import observe_requests
from servicekit.settings import ServiceSettings

MAX_BODY_BYTES = 64 * 1024

ping = Blueprint("ping", __name__)


@dataclass
class ServiceState:
    """What servicekit keeps with an application, in `app.extensions["servicekit"]`."""

    background_tasks: dict[str, Callable[[], None]] = field(default_factory=dict)
    not_ready: Callable[[], str | None] = lambda: None


@ping.get("/ping")
def answer_ping() -> Response:
    """Answer pong, to show that the service is reachable."""
    return success(msg="pong")


def build_app(import_name: str, settings: ServiceSettings) -> Flask:
    """Make an application with logs, request ids, metrics, the envelope for all errors, and GET /ping."""
    logging.configure(settings.log_level, settings.log_format)
    app = bare_app(import_name)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions["servicekit"] = ServiceState()
    app.register_error_handler(ClientDisconnected, _answer_late_body)
    observe_requests(app)
    app.register_blueprint(ping)
    return app


def _answer_late_body(_error: ClientDisconnected) -> Response:
    # Werkzeug raises this when reading the body fails: the client has gone, or has stalled (stalled_clients.py).
    return failure(408, "the body did not arrive in time")


def run_in_background(app: Flask, name: str, task: Callable[[], None]) -> None:
    """Run `task`, which does not end, in a daemon thread of the process that serves `app`."""
    state: ServiceState = app.extensions["servicekit"]
    state.background_tasks[name] = task


def ready_when(app: Flask, not_ready: Callable[[], str | None]) -> None:
    """Make `/readyz` answer 503 as long as `not_ready` returns a reason."""
    state: ServiceState = app.extensions["servicekit"]
    state.not_ready = not_ready


def start_background(app: Flask, host: str, management_port: int) -> None:
    """Open the management port of `app` and start its tasks; raises OSError for a taken port.

    A server calls this in the process that serves, since threads do not survive a fork.
    """
    state: ServiceState = app.extensions["servicekit"]
    serve_in_background(management_app(state.not_ready), host, management_port)
    for name, task in state.background_tasks.items():
        threading.Thread(target=task, name=name, daemon=True).start()
