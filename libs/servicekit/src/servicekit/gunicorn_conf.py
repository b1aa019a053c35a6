"""gunicorn's settings for every HTTP service: `gunicorn -c python:servicekit.gunicorn_conf "package:create_app()"`.

One process with several threads: a pod is scaled by replicas, and its metrics are of one process.
See https://docs.gunicorn.org/en/stable/settings.html.
"""

import os
from typing import Any

from servicekit import logging
from servicekit.app import start_background_servers
from servicekit.settings import http_threads, number

logging.configure()  # until the application's own settings are read


HOST = os.environ.get("HTTP_HOST", "0.0.0.0")  # noqa: S104 -- a container's own network
bind = f"{HOST}:{number('HTTP_PORT', 8080)}"
worker_class = "gthread"
workers = 1
preload_app = True  # a wrong setting ends the process at once, instead of a worker again and again
threads = http_threads()
graceful_timeout = number("HTTP_GRACEFUL_SECONDS", 25)
timeout = 60
keepalive = 75  # longer than Envoy's idle connections are kept, so that Envoy is the one to close them
worker_tmp_dir = "/dev/shm"  # noqa: S108 -- the root file system is read-only, and this one never blocks on disk
control_socket_disable = True  # it would be a file in a home directory that is not there
accesslog = None  # the application logs each request with its id
logconfig_dict = {  # gunicorn's own lines go the way of all others
    "version": 1,
    "disable_existing_loggers": False,
    "root": {},  # not gunicorn's default, which would take the root logger's handlers away
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True}},
}


def post_worker_init(worker: Any) -> None:  # noqa: ANN401 -- gunicorn ships no types
    """Open the ports beside the public one, in the process that serves."""
    start_background_servers(worker.wsgi, HOST, number("MANAGEMENT_PORT", 9090))
