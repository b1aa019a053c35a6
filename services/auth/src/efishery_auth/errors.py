"""The HTTP answers to auth's own errors. Domain modules raise them and know nothing of HTTP."""

from flask import Flask, Response

from efishery_auth.database import DatabaseUnavailable
from efishery_auth.locks import Locked
from efishery_auth.password_changes import ChangeUnknown, UnknownUser, WrongPassword
from efishery_auth.passwords import HashQueueFull
from efishery_auth.users import PhoneTaken, WrongCredentials
from servicekit.errors import Conflict, NotFound, ServiceError, TooManyRequests, Unauthorized, Unavailable, answer

ANSWERS: dict[type[Exception], ServiceError] = {
    PhoneTaken: Conflict("this phone is registered already; log in, or register another"),
    WrongCredentials: Unauthorized("phone or password is wrong"),
    WrongPassword: Unauthorized("current_password is wrong"),
    UnknownUser: NotFound("no user has this id"),
    ChangeUnknown: Unavailable(
        "the user database became unavailable: the password may be changed or not; repeat the request, and if"
        " current_password is refused then, log in with the new one",
        retry_after=2,
    ),
    DatabaseUnavailable: Unavailable("the user database is unavailable; try again", retry_after=2),
    HashQueueFull: Unavailable("the service is busy; try again", retry_after=1),
}


def register_domain_errors(app: Flask) -> None:
    """Make each of auth's own errors the answer that `ANSWERS` has for it."""
    for error in ANSWERS:
        app.register_error_handler(error, _answer)
    app.register_error_handler(Locked, _answer_locked)


def _answer(error: Exception) -> Response:
    return answer(ANSWERS[type(error)])


def _answer_locked(error: Locked) -> Response:
    msg = f"too many failed logins; wait {error.retry_after} seconds and try again"
    return answer(TooManyRequests(msg, retry_after=error.retry_after))
