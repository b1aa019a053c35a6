"""WSGI servers in threads of their own, for the ports beside the public one.

Probes and metrics must answer when all threads of the public port are busy: a slow pod must not fail its liveness
probe.
"""

# ruff: noqa: ANN401 -- socketserver leaves the types of requests and addresses open
import socket
import sys
import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import WSGIApplication

import structlog

_MAX_CONNECTIONS = 32
log = structlog.get_logger(__name__)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], *args: Any, **kwargs: Any) -> None:
        self._slots = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, *args, **kwargs)

    def server_bind(self) -> None:
        """Bind `::` for IPv4, too."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a new thread; close the connection when there are too many."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, then release the slot."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 -- socketserver's signature
        """Log an incomplete request as one event instead of a traceback on stderr."""
        log.info("connection_failed", port=self.server_port, error=type(sys.exception()).__name__)


class _QuietHandler(WSGIRequestHandler):
    timeout = 10  # seconds without data after which the thread of an incomplete request ends

    def log_message(self, *_args: object) -> None:
        """Log nothing: probes come every few seconds."""


def serve_in_background(app: WSGIApplication, host: str, port: int) -> WSGIServer:
    """Serve `app` on `host:port` from a daemon thread; raises OSError when the port is taken."""
    server = make_server(host, port, app, server_class=_Server, handler_class=_QuietHandler)
    threading.Thread(target=server.serve_forever, name=f"port-{port}", daemon=True).start()
    return server
