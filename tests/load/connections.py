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
    context = tls(url)
    return _wrapped(url, timeout, context) if context else socket.create_connection(address(url), timeout)


def connect_http2(url: str, timeout: float) -> ssl.SSLSocket:
    """Open a connection with TLS for the bytes of HTTP/2."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    connection = _wrapped(url, timeout, context)
    assert connection.selected_alpn_protocol() == "h2"
    return connection


def _wrapped(url: str, timeout: float, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection(address(url), timeout)
    return context.wrap_socket(plain, server_hostname=address(url)[0])


def http(url: str, timeout: float = 30, *, source: str = "") -> HTTPConnection:
    """Make a connection for requests, from the address `source` (by default, the one that the system chooses)."""
    host, port = address(url)
    local = (source, 0) if source else None
    context = tls(url)
    if context:
        return HTTPSConnection(host, port, timeout=timeout, source_address=local, context=context)
    return HTTPConnection(host, port, timeout=timeout, source_address=local)
