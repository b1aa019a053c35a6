"""What views and commands work with, kept with the application."""

from flask import Flask, current_app

from efishery_auth.users import Users
from servicekit.tokens import current_claims

EXTENSION = "efishery_auth"


def init_state(app: Flask, users: Users) -> None:
    """Keep `users` with `app`."""
    app.extensions[EXTENSION] = users


def current_users() -> Users:
    """Return the users of the current application."""
    users: Users = current_app.extensions[EXTENSION]
    return users


def current_user_id() -> int:
    """Return the id of the user whose token the request has; only in a view that requires one."""
    return int(current_claims()["sub"])
