"""POST /auth/login."""

from contextlib import suppress
from datetime import UTC, datetime

from flask import Blueprint, Response, current_app

from efishery_auth import forms, tokens
from efishery_auth.database import DatabaseUnavailable
from efishery_auth.logins import Attempt, Confirm
from efishery_auth.models import User
from efishery_auth.origins import current_origin
from efishery_auth.state import current_logins
from servicekit.envelope import success

blueprint = Blueprint("login", __name__)


@blueprint.post("/auth/login")
def login() -> Response:
    """Exchange phone and password for an access token, answered in the terms of RFC 6749, section 5.1."""
    form = forms.read(forms.Login)
    attempt = Attempt(form.phone, form.password, datetime.now(UTC), current_origin())
    token = tokens.issue(current_logins().log_in(attempt, _start))
    expires_in = int(current_app.config["JWT_ACCESS_TOKEN_EXPIRES"].total_seconds())
    return success(
        {"access_token": token, "token_type": "Bearer", "expires_in": expires_in},
        headers={"Cache-Control": "no-store"},
    )


def _start(user: User, confirm: Confirm) -> User:
    with suppress(DatabaseUnavailable):  # a right password logs in without the primary
        current_logins().database.primary.write(confirm)
    return user
