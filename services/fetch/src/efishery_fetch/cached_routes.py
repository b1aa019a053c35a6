"""A WSGI middleware that answers the most frequent requests from the snapshot, without Flask.

It answers only what Flask has already decided: GET of a route in `routes.py` without a query, with a token that Flask
has verified before. Every other request goes to Flask, so each rule and each error has one implementation.
"""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from efishery_fetch.routes import CachedRoute
from efishery_fetch.snapshot import Snapshots
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
        path = environ["PATH_INFO"]
        representation = self._snapshots.current.representations.get(path)
        if representation is None or not _is_plain(environ):
            return self._application(environ, start_response)
        claims = self._tokens.find(environ.get("HTTP_AUTHORIZATION"))
        if claims is None or (self._roles[path] is not None and claims.get("role") != self._roles[path]):
            return self._application(environ, start_response)
        answer = representation.answer(environ.get("HTTP_ACCEPT_ENCODING", ""), environ.get("HTTP_IF_NONE_MATCH"))
        start_response(answer.status_line, [*answer.headers, representation.age_header()])
        return (answer.body,)


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Tell whether it is a GET without a query that takes JSON."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and not environ.get("QUERY_STRING")
        and environ.get("HTTP_ACCEPT", "*/*") in ("*/*", "application/json")
    )
