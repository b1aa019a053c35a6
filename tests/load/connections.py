"""Connections to a gateway by its URL; with `https`, its certificate is verified (SSL_CERT_FILE names another CA)."""

import functools
import socket
import ssl
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}


def address(url: str) -> tuple[str, int]:
    """Return host and port."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or PORTS[parts.scheme]


@functools.cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()


def tls(url: str) -> ssl.SSLContext | None:
    """Return what verifies the server's certificate, or None without TLS."""
    return _context() if urlsplit(url).scheme == "https" else None


def connect(url: str, timeout: float) -> socket.socket:
    """Open a connection for bytes; the TLS handshake is done."""
    host, port = address(url)
    plain = socket.create_connection((host, port), timeout)
    context = tls(url)
    return context.wrap_socket(plain, server_hostname=host) if context else plain


def http(url: str, timeout: float = 30, *, source: str = "") -> HTTPConnection:
    """Make a connection for requests, from the address `source` (by default, the one that the system chooses)."""
    host, port = address(url)
    local = (source, 0) if source else None
    context = tls(url)
    if context:
        return HTTPSConnection(host, port, timeout=timeout, source_address=local, context=context)
    return HTTPConnection(host, port, timeout=timeout, source_address=local)
