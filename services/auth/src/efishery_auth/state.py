"""What views and commands work with, kept with the application."""

from flask import Flask, current_app

from efishery_auth.logins import Logins
from efishery_auth.session_store import SessionStore
from efishery_auth.users import Users

EXTENSION = "efishery_auth"
SESSIONS = "efishery_auth.sessions"
LOGINS = "efishery_auth.logins"


def init_state(app: Flask, users: Users) -> None:
    """Keep `users` with `app`."""
    app.extensions[EXTENSION] = users


def init_sessions(app: Flask, sessions: SessionStore) -> None:
    """Keep `sessions` with `app`."""
    app.extensions[SESSIONS] = sessions


def current_users() -> Users:
    """Return the users of the current application."""
    users: Users = current_app.extensions[EXTENSION]
    return users


def current_sessions() -> SessionStore:
    """Return the sessions of the current application."""
    sessions: SessionStore = current_app.extensions[SESSIONS]
    return sessions


def init_logins(app: Flask, logins: Logins) -> None:
    """Keep `logins` with `app`."""
    app.extensions[LOGINS] = logins


def current_logins() -> Logins:
    """Return the logins of the current application."""
    logins: Logins = current_app.extensions[LOGINS]
    return logins
