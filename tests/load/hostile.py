"""Requests that a gateway has to refuse, and how to send them as they are."""

import json
from contextlib import closing
from http.client import HTTPResponse
from typing import Any

from tests.load.connections import connect

POST = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET /ping HTTP/1.1\r\nHost: x\r\n"
# By name: the status, then those that a mesh may answer instead as its policies come first or its Envoy is older.
REFUSED: dict[str, tuple[tuple[int, ...], bytes]] = {
    "body with a length over the limit": ((413,), POST + b"Content-Length: 4097\r\n\r\n" + b"x" * 4097),
    "chunked body over the limit": ((413,), CHUNKED + (b"800\r\n" + b"x" * 0x800 + b"\r\n") * 9),
    "bad chunk": ((400,), CHUNKED + b"zz\r\n"),
    "header over the limit": ((431,), GET + b"X-Long: " + b"x" * 9000 + b"\r\n\r\n"),
    "path over the limit": ((431,), b"GET /auth/" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    "too many headers": ((431,), GET + b"".join(b"X-%d: x\r\n" % i for i in range(80)) + b"\r\n"),
    "long path that leads nowhere": ((404, 403), b"GET /auth/" + b"x" * 6000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    "header that does not end": ((408,), GET + b"X-Slow: "),
    "body that does not end": ((408,), POST + b"Content-Length: 10\r\n\r\n{"),
    "no HTTP": ((400,), b"\x16\x03\x01\r\n\r\n"),
    "no host": ((400,), b"GET /ping HTTP/1.1\r\n\r\n"),
    "two lengths": ((400,), POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{"),
    "length and chunks": ((400,), POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n{"),
    "method that Envoy does not know": ((400,), b"FISH /ping HTTP/1.1\r\nHost: x\r\n\r\n"),
    # RFC 10008: a QUERY says what its content is.
    "QUERY without a Content-Type": ((400,), b"QUERY /ping HTTP/1.1\r\nHost: x\r\n\r\n"),
    "QUERY": ((405, 403, 400), b"QUERY /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n"),
    "path of no service": ((404,), b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"),
}


def answer_to(url: str, data: bytes) -> tuple[int, str | None, Any]:
    """Send bytes to the gateway; answer status, content type and the body, decoded from JSON (ValueError otherwise)."""
    with closing(connect(url, timeout=20)) as client:
        client.sendall(data)
        answer = HTTPResponse(client)
        answer.begin()
        return answer.status, answer.getheader("Content-Type"), json.loads(answer.read())


def headers_of(url: str, data: bytes) -> dict[str, str]:
    """Send bytes to the gateway; answer the headers, by their names in lower case. None of them is repeated."""
    with closing(connect(url, timeout=20)) as client:
        client.sendall(data)
        answer = HTTPResponse(client)
        answer.begin()
        headers = answer.getheaders()
    found = {name.lower(): value for name, value in headers}
    assert len(found) == len(headers), headers
    return found


def check_envelope(url: str, data: bytes) -> int:
    """Assert that `data` is refused with the error envelope; answer the status."""
    status, content_type, body = answer_to(url, data)
    assert content_type == "application/json"
    assert body == {"success": False, "status": status, "msg": body["msg"], "data": None}
    assert len(body["msg"]) > 10
    return status
