"""Maps the errors of this service's modules to HTTP answers, in one place."""

from flask import Flask, Response

from efishery_fetch.negotiation import NotAcceptableError
from efishery_fetch.queries import InvalidQueryError
from efishery_fetch.snapshot import ListUnavailable
from efishery_fetch.upstream import UpstreamInvalid, UpstreamUnavailable
from servicekit.envelope import failure
from servicekit.errors import BadGateway, Invalid, Unavailable, answer

UPSTREAM_RETRY_AFTER_SECONDS = 10


def register_domain_errors(app: Flask) -> None:
    """Answer 503 for an upstream that is unavailable and 502 for one that is invalid, both with Retry-After.

    A query that is not valid is answered 422, and an `Accept` that nothing satisfies 406.
    """
    app.register_error_handler(UpstreamUnavailable, _answer_unavailable)
    app.register_error_handler(UpstreamInvalid, _answer_invalid)
    app.register_error_handler(ListUnavailable, _answer_unavailable)
    app.register_error_handler(InvalidQueryError, _answer_invalid_query)
    app.register_error_handler(NotAcceptableError, _answer_not_acceptable)


def _answer_unavailable(error: UpstreamUnavailable | ListUnavailable) -> Response:
    return answer(Unavailable(str(error), retry_after=UPSTREAM_RETRY_AFTER_SECONDS))


def _answer_invalid(error: UpstreamInvalid) -> Response:
    return answer(BadGateway(str(error), headers={"Retry-After": str(UPSTREAM_RETRY_AFTER_SECONDS)}))


def _answer_invalid_query(error: InvalidQueryError) -> Response:
    return answer(Invalid(error.errors, "some parameters are not valid"))


def _answer_not_acceptable(error: NotAcceptableError) -> Response:
    return failure(406, str(error))
