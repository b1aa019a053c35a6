"""gunicorn's settings for every HTTP service: `gunicorn -c python:servicekit.gunicorn_conf "package:create_app()"`.

One process with several threads: scaling is by replicas, and the metrics are those of one process.
See https://docs.gunicorn.org/en/stable/settings.html.
"""

from typing import Any

from servicekit import logging
from servicekit.app import start_background
from servicekit.settings import http_host, http_threads, number
from servicekit.stalled_clients import ShortRecord, limit_stalls
from servicekit.tracing import start_tracing, traced

logging.configure()  # until the application's own settings are read


host = f"[{http_host()}]" if ":" in http_host() else http_host()  # an address of IPv6 in brackets
bind = f"{host}:{number('HTTP_PORT', 8080)}"
worker_class = "gthread"
workers = 1
preload_app = True  # a wrong setting ends the process once, instead of each new worker
threads = http_threads()
graceful_timeout = number("HTTP_GRACEFUL_SECONDS", 25)
timeout = 60
keepalive = 75  # longer than Envoy's idleTimeout (destinationrules.yaml), so that Envoy closes first
worker_tmp_dir = "/dev/shm"  # noqa: S108 -- the root file system is read-only, and this one never blocks on disk
# Envoy's limits (envoyfilter-limits.yaml) are lower: its errors have the envelope, gunicorn's are HTML.
limit_request_line = 8190
limit_request_fields = 100
control_socket_disable = True  # its file would be in a home directory that does not exist
accesslog = None  # the application logs each request with its id
logconfig_dict = {  # gunicorn's log lines have the format of all others
    "version": 1,
    "disable_existing_loggers": False,
    "root": {},  # gunicorn's default would remove the root logger's handlers
    "filters": {"stalled_clients": {"()": ShortRecord}},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": [], "filters": ["stalled_clients"], "propagate": True}},
}


def when_ready(arbiter: Any) -> None:  # noqa: ANN401 -- gunicorn ships no types
    """Limit how long a client may stall, before there is a worker: a connection made earlier would have no limit."""
    for listener in arbiter.LISTENERS:
        limit_stalls(listener)


def post_worker_init(worker: Any) -> None:  # noqa: ANN401 -- gunicorn ships no types
    """Start tracing, then the threads and ports beside the public one, in the process that serves."""
    start_tracing(worker.app.app_uri.partition(":")[0])  # the package, as in efishery_auth:create_app()
    start_background(worker.wsgi, http_host(), number("MANAGEMENT_PORT", 9090))
    worker.wsgi = traced(worker.wsgi)
