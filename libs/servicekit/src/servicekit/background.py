"""WSGI servers in threads of their own, for the ports beside the public one.

Probes and metrics must answer when every thread of the public port is busy: a pod that is only
slow is then not killed by its own liveness probe.
"""

import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import WSGIApplication


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    timeout = 10  # seconds; a client that never finishes its request frees the thread

    def log_message(self, *_args: object) -> None:
        """Say nothing: probes come every few seconds."""


def serve_in_background(app: WSGIApplication, host: str, port: int) -> WSGIServer:
    """Serve `app` on `host:port` from a daemon thread; raises OSError when the port is taken."""
    server = make_server(host, port, app, server_class=_Server, handler_class=_QuietHandler)
    threading.Thread(target=server.serve_forever, name=f"port-{port}", daemon=True).start()
    return server
