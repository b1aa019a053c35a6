"""The one tree of errors that become answers. Domain code raises these; nobody returns (message, code).

ServiceError
├── BadRequest 400
├── Unauthorized 401
├── Forbidden 403
├── Conflict 409
├── Invalid 422          with field errors
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
    """An error with an HTTP status (RFC 9110, section 15) and a message fit for the client."""

    status: ClassVar[int] = 500

    def __init__(self, msg: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(msg)
        self.msg = msg
        self.headers = headers or {}
        self.errors: list[FieldError] | None = None


class BadRequest(ServiceError):
    """The request cannot be read."""

    status = 400


class Unauthorized(ServiceError):
    """No valid credentials; answers with the challenge that RFC 6750, section 3 asks for."""

    status = 401

    def __init__(self, msg: str) -> None:
        super().__init__(msg, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(ServiceError):
    """Valid credentials that do not allow this."""

    status = 403


class Conflict(ServiceError):
    """The request contradicts what is stored."""

    status = 409


class Invalid(ServiceError):
    """The request can be read but its fields are wrong."""

    status = 422

    def __init__(self, errors: list[FieldError], msg: str = "some fields are not valid") -> None:
        super().__init__(msg)
        self.errors = errors


class BadGateway(ServiceError):
    """An upstream answered with something that makes no sense."""

    status = 502


class Unavailable(ServiceError):
    """Something that the request needs is unavailable; `retry_after` is in seconds."""

    status = 503

    def __init__(self, msg: str, *, retry_after: int) -> None:
        super().__init__(msg, headers={"Retry-After": str(retry_after)})


def register_error_handlers(app: Flask) -> None:
    """Make every error of `app` an envelope whose status is the HTTP status."""
    app.register_error_handler(ServiceError, answer)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, _answer_unexpected)


def answer(error: ServiceError) -> Response:
    """Make the envelope of `error`, for error handlers of other libraries, in which raising would be too late."""
    return failure(error.status, error.msg, errors=error.errors, headers=error.headers)


def _answer_http_exception(error: HTTPException) -> Response:
    # Werkzeug keeps headers that the status demands, as Allow for 405, in the exception.
    headers = {k: v for k, v in error.get_headers() if k.lower() not in ("content-type", "content-length")}
    status = error.code or 500
    return failure(status, _remedies(headers).get(status) or error.description or error.name, headers=headers)


def _remedies(headers: dict[str, str]) -> dict[int, str]:
    """What a client can do about the errors that Flask itself finds."""
    return {
        404: "there is nothing at this path; see /docs/",
        405: f"this path does not take {request.method}; it takes {headers.get('Allow')}",
        413: f"the body is too large; send at most {current_app.config['MAX_CONTENT_LENGTH']} bytes",
        415: "send the body as JSON, with the header Content-Type: application/json",
    }


def _answer_unexpected(error: Exception) -> Response:
    # The client learns nothing of the cause: it may name a table, a host or a secret.
    log.error("unexpected_error", exc_info=error)
    return failure(500, "internal error; the request id finds it in the logs")
