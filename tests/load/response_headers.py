"""The headers that a gateway adds to every answer, its own errors included, and those that it takes away."""

from tests.load.hostile import REFUSED, headers_of

SERVICE = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
PAGE = b"GET /docs/ HTTP/1.1\r\nHost: x\r\n\r\n"
# Answered by a service, by its page, and by Envoy: before it reads a route, without a route, and by a filter.
REQUESTS = {
    "service": SERVICE,
    "page": PAGE,
    **{name: REFUSED[name][1] for name in ("no HTTP", "path of no service", "header over the limit", "bad chunk")},
}


def check_response_headers(url: str, name: str, *, over_tls: bool) -> None:
    """Assert that the answer to one of REQUESTS has the security headers and does not name the server."""
    headers = headers_of(url, REQUESTS[name])
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ("default-src 'self'" in headers["content-security-policy"]) == (name == "page")
    assert not {"server", "x-envoy-upstream-service-time"} & headers.keys()
    assert headers.get("strict-transport-security") == ("max-age=31536000" if over_tls else None)
