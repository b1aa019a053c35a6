"""The answer of login and refresh, in the terms of RFC 6749, section 5.1."""

from datetime import datetime

from flask import Response, current_app

from efishery_auth import tokens
from efishery_auth.session_store import Login
from servicekit.envelope import success


def answer_tokens(login: Login, now: datetime) -> Response:
    """Answer a new access token and, where there is a session, its refresh token; durations in seconds."""
    session = login.session
    data: dict[str, str | int] = {
        "access_token": tokens.issue(login.user, session.id if session else None),
        "token_type": "Bearer",
        "expires_in": int(current_app.config["JWT_ACCESS_TOKEN_EXPIRES"].total_seconds()),
    }
    if session:
        data["refresh_token"] = str(login.refresh_token)
        data["refresh_expires_in"] = int((session.expires_at - now).total_seconds())
    return success(data, headers={"Cache-Control": "no-store"})
