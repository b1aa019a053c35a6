"""Limits how long a client that stalls can hold one of gunicorn's threads.

A gthread worker waits 5 s for the first byte of a connection; the rest of the request it reads with a blocking socket
and no timeout. In the mesh Envoy reads whole requests first; this is for a caller that does not come through it.
"""

import logging
import socket
import struct

STALL_SECONDS = 5


def limit_stalls(listener: socket.socket) -> None:
    """Make each read and write on the accepted connections raise BlockingIOError after 5 s without progress.

    Accepted sockets inherit SO_RCVTIMEO and SO_SNDTIMEO from the listener (socket(7)).
    """
    timeval = struct.pack("ll", STALL_SECONDS, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)


class ShortRecord(logging.Filter):
    """Reduces gunicorn's log record of such a timeout to one line; it is an error with a traceback otherwise."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record of a timeout and keep it, as all others."""
        if record.exc_info and isinstance(record.exc_info[1], BlockingIOError):
            record.exc_info = None
            record.msg = "client_stalled"
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True
