"""What views and commands work with, kept with the application."""

from flask import Flask, current_app

from efishery_auth.users import Users

EXTENSION = "efishery_auth"


def init_state(app: Flask, users: Users) -> None:
    """Keep `users` with `app`."""
    app.extensions[EXTENSION] = users


def current_users() -> Users:
    """Return the users of the current application."""
    users: Users = current_app.extensions[EXTENSION]
    return users
