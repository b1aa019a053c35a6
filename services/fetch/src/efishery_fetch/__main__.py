"""`python -m efishery_fetch`: the service on Granian (ADR 25).

One process with several threads, as with gunicorn: scaling is by replicas, and the metrics are those of one process.
"""

from wsgiref.types import WSGIApplication

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from efishery_fetch.app import create_app
from efishery_fetch.settings import FetchSettings
from servicekit import logging
from servicekit.app import start_background
from servicekit.settings import http_host, load, number
from servicekit.tracing import start_tracing, traced

# Granian bounds with one value the time to read a request's header and the time that a connection is idle. The latter
# must be longer than Envoy's idleTimeout (destinationrules.yaml), so that Envoy closes first. A connection
# that waits for a header holds no thread.
HEADER_AND_IDLE_MILLISECONDS = 75_000
# Envoy's limits (envoyfilter-limits.yaml) are lower: its errors have the envelope, Granian's have no body.
MAX_HEADER_BYTES = 64 * 1024
MAX_CONNECTIONS = 1024
DEFAULT_THREADS = 4  # no request waits for I/O, so more would only compete for the interpreter's lock
LOGGING = {
    "root": {},  # keeps the root logger's handler
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


def main() -> None:
    """Serve until SIGTERM, then answer the open requests; raises SystemExit(2) for bad settings."""
    settings = load(FetchSettings)
    logging.configure(settings.log_level, settings.log_format)
    Server(
        "efishery_fetch",
        address=http_host(),
        port=number("HTTP_PORT", 8080),
        interface=Interfaces.WSGI,
        blocking_threads=number("HTTP_THREADS", DEFAULT_THREADS),
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_AND_IDLE_MILLISECONDS, max_buffer_size=MAX_HEADER_BYTES
        ),
        backpressure=MAX_CONNECTIONS,
        workers_kill_timeout=number("HTTP_GRACEFUL_SECONDS", 25),
        log_dictconfig=LOGGING,
    ).serve(target_loader=load_application, wrap_loader=False)


def load_application() -> WSGIApplication:
    """Make the application, with its background threads, in the process that serves."""
    app = create_app()
    start_background(app, http_host(), number("MANAGEMENT_PORT", 9090))
    start_tracing("efishery_fetch")
    return traced(app)


if __name__ == "__main__":
    main()
