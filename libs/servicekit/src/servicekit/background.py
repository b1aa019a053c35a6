"""WSGI servers in threads of their own, for the ports beside the public one.

Probes and metrics must answer when every thread of the public port is busy: a pod that is only
slow is then not killed by its own liveness probe.
"""

# ruff: noqa: ANN401 -- socketserver leaves the types of requests and addresses open
import sys
import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import WSGIApplication

import structlog

_MOST_CONNECTIONS = 32
log = structlog.get_logger(__name__)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._slots = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own; past the bound the connection is closed."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and free the place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 -- socketserver's signature
        """Log a request that was cut or never finished as one event, not as a traceback on stderr."""
        log.info("connection_failed", port=self.server_port, error=type(sys.exception()).__name__)


class _QuietHandler(WSGIRequestHandler):
    timeout = 10  # seconds; a client that never finishes its request frees the thread

    def log_message(self, *_args: object) -> None:
        """Say nothing: probes come every few seconds."""


def serve_in_background(app: WSGIApplication, host: str, port: int) -> WSGIServer:
    """Serve `app` on `host:port` from a daemon thread; raises OSError when the port is taken."""
    server = make_server(host, port, app, server_class=_Server, handler_class=_QuietHandler)
    threading.Thread(target=server.serve_forever, name=f"port-{port}", daemon=True).start()
    return server
