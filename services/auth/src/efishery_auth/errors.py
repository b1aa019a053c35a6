"""The HTTP answers to auth's own errors. Domain modules raise them and know nothing of HTTP."""

from flask import Flask, Response

from efishery_auth.database import DatabaseUnavailable
from efishery_auth.locks import Locked
from efishery_auth.logins import AccountChanged
from efishery_auth.password_changes import ChangeUnknown, WrongPassword
from efishery_auth.passwords import HashQueueFull
from efishery_auth.refresh_tokens import InvalidRefreshToken
from efishery_auth.session_store import SessionNotFound
from efishery_auth.sessions import RefreshedJustNow
from efishery_auth.user_changes import InactiveUser, LastAdmin, NotAdmin, UnknownUser
from efishery_auth.users import PhoneTaken, WrongCredentials
from servicekit.errors import (
    Conflict,
    Forbidden,
    NotFound,
    ServiceError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    answer,
)

ANSWERS: dict[type[Exception], ServiceError] = {
    PhoneTaken: Conflict("this phone is registered already; log in, or register another"),
    WrongCredentials: Unauthorized("phone or password is wrong"),
    AccountChanged: Unavailable("the account has just changed; log in again", retry_after=1),
    InvalidRefreshToken: Unauthorized("the refresh token is not valid, or not any more; log in again"),
    RefreshedJustNow: Conflict("this refresh token has just been used; use the new one, or log in again"),
    SessionNotFound: NotFound("you have no active session with this id; GET /auth/sessions lists them"),
    InactiveUser: Unauthorized("the user of this token is disabled or does not exist any more"),
    NotAdmin: Forbidden("only for the role admin; log in as one"),
    UnknownUser: NotFound("no user has this id"),
    LastAdmin: Conflict("no other admin could log in then; make another user an admin first"),
    WrongPassword: Unauthorized("current_password is wrong"),
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
