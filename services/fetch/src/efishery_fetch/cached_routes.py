"""A WSGI middleware that answers the most frequent requests from the snapshot, without Flask (ADR 25).

It answers only what Flask has already decided: GET of a route in `routes.py` without a query, with a token that Flask
has verified before. Every other request goes to Flask, so each rule and each error has one implementation.
"""

from collections.abc import Iterable
from time import perf_counter
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from efishery_fetch.metrics import CACHE_HITS
from efishery_fetch.representation import Representation
from efishery_fetch.routes import LISTS, CachedRoute
from efishery_fetch.snapshot import Snapshots
from servicekit.metrics import server_duration
from servicekit.observability import REQUEST_ID_HEADER, log_request, request_id_from
from servicekit.trace_context import trace_id_of
from servicekit.tracing import ROUTE_KEY
from servicekit.verified_tokens import VerifiedTokens


class CachedRoutes:
    """Wraps the WSGI application of Flask."""

    def __init__(
        self, application: WSGIApplication, routes: Iterable[CachedRoute], snapshots: Snapshots, tokens: VerifiedTokens
    ) -> None:
        self._application = application
        self._roles = {route.path: route.role for route in routes}
        self._snapshots = snapshots
        self._tokens = tokens

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request, or let Flask answer it."""
        started = perf_counter()
        path = environ["PATH_INFO"]
        representation = self._snapshots.current.representations.get(path)
        if representation is None or not _is_plain(environ) or not self._may_read(path, environ):
            return self._application(environ, start_response)
        return _answer(representation, path, environ, start_response, started)

    def _may_read(self, path: str, environ: WSGIEnvironment) -> bool:
        claims = self._tokens.find(environ.get("HTTP_AUTHORIZATION"))
        role = self._roles[path]
        return claims is not None and (role is None or claims.get("role") == role)


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Tell whether it is a GET without a query that takes JSON."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and not environ.get("QUERY_STRING")
        and environ.get("HTTP_ACCEPT", "*/*") in ("*/*", "application/json")
    )


def _answer(
    representation: Representation, path: str, environ: WSGIEnvironment, start_response: StartResponse, started: float
) -> list[bytes]:
    answer = representation.answer(environ.get("HTTP_ACCEPT_ENCODING", ""), environ.get("HTTP_IF_NONE_MATCH"))
    request_id = request_id_from(environ.get("HTTP_X_REQUEST_ID"))
    environ[ROUTE_KEY] = path
    start_response(answer.status_line, [*answer.headers, representation.age_header(), (REQUEST_ID_HEADER, request_id)])
    if path in LISTS:
        CACHE_HITS.inc()
    seconds = perf_counter() - started
    server_duration("GET", path, answer.status).observe(seconds)
    log_request("GET", path, answer.status, seconds, request_id, trace_id_of(environ.get("HTTP_TRACEPARENT")))
    return [answer.body]  # Granian sends a list of one without copying it
