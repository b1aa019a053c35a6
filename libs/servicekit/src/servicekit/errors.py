"""The exceptions that become error responses.

ServiceError
├── BadRequest 400
├── Unauthorized 401
├── Forbidden 403
├── NotFound 404
├── Conflict 409
├── Invalid 422          with field errors
├── TooManyRequests 429  with Retry-After
├── BadGateway 502
└── Unavailable 503      with Retry-After
"""

from typing import ClassVar

import structlog
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from servicekit.envelope import FieldError, failure

log = structlog.get_logger(__name__)


class ServiceError(Exception):
    """An error with an HTTP status (RFC 9110, section 15) and a message for the client."""

    status: ClassVar[int] = 500

    def __init__(self, msg: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(msg)
        self.msg = msg
        self.headers = headers or {}
        self.errors: list[FieldError] | None = None


class BadRequest(ServiceError):
    """The request cannot be parsed."""

    status = 400


class Unauthorized(ServiceError):
    """No valid credentials; the response has the challenge required by RFC 6750, section 3."""

    status = 401

    def __init__(self, msg: str, challenge: str = "Bearer") -> None:
        super().__init__(msg, headers={"WWW-Authenticate": challenge})


class InvalidToken(Unauthorized):
    """The access token is not valid, or not any more (RFC 6750, section 3.1)."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg, challenge='Bearer error="invalid_token"')


class Forbidden(ServiceError):
    """The credentials do not permit this request; the response has the challenge of RFC 6750, section 3.1."""

    status = 403

    def __init__(self, msg: str) -> None:
        super().__init__(msg, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'})


class NotFound(ServiceError):
    """There is nothing with the id in the path, or nothing that the caller may know of."""

    status = 404


class Conflict(ServiceError):
    """The request conflicts with stored data."""

    status = 409


class Invalid(ServiceError):
    """The request can be parsed, but fields are invalid."""

    status = 422

    def __init__(self, errors: list[FieldError], msg: str = "some fields are not valid") -> None:
        super().__init__(msg)
        self.errors = errors


class TooManyRequests(ServiceError):
    """The client has used up its attempts; `retry_after` is in seconds (RFC 6585, section 4)."""

    status = 429

    def __init__(self, msg: str, *, retry_after: int) -> None:
        super().__init__(msg, headers={"Retry-After": str(retry_after)})


class BadGateway(ServiceError):
    """An upstream sent an invalid response."""

    status = 502


class Unavailable(ServiceError):
    """A dependency of the request is unavailable; `retry_after` is in seconds."""

    status = 503

    def __init__(self, msg: str, *, retry_after: int) -> None:
        super().__init__(msg, headers={"Retry-After": str(retry_after)})


def register_error_handlers(app: Flask) -> None:
    """Make `app` return every error as an envelope with the HTTP status."""
    app.register_error_handler(ServiceError, answer)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, _answer_unexpected)


def answer(error: ServiceError) -> Response:
    """Return the error response for `error`; for error handlers of libraries, which must return a response."""
    return failure(error.status, error.msg, errors=error.errors, headers=error.headers)


def _answer_http_exception(error: HTTPException) -> Response:
    # The exception has the headers that its status requires, such as Allow for 405.
    headers = {k: v for k, v in error.get_headers() if k.lower() not in ("content-type", "content-length")}
    status = error.code or 500
    return failure(status, _remedies(headers).get(status) or error.description or error.name, headers=headers)


def _remedies(headers: dict[str, str]) -> dict[int, str]:
    """Return messages with remedies for errors that Flask itself raises, by status."""
    return {
        404: "there is nothing at this path; see /docs/",
        405: f"this path does not take {request.method}; it takes {headers.get('Allow')}",
        413: f"the body is too large; send at most {current_app.config['MAX_CONTENT_LENGTH']} bytes",
        415: "send the body as JSON, with the header Content-Type: application/json",
    }


def _answer_unexpected(error: Exception) -> Response:
    # The response must not contain the cause: it could name a table, a host or a secret.
    log.error("unexpected_error", exc_info=error)
    return failure(500, "internal error; find it in the logs by the request id")
