"""POST /auth/login."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from efishery_auth import forms
from efishery_auth.logins import Attempt
from efishery_auth.origins import current_origin
from efishery_auth.state import current_logins, current_sessions
from efishery_auth.views.token_answer import answer_tokens

blueprint = Blueprint("login", __name__)


@blueprint.post("/auth/login")
def login() -> Response:
    """Exchange phone and password for an access token and a refresh token; start a session."""
    form = forms.read(forms.Login)
    now, origin = datetime.now(UTC), current_origin()
    sessions = current_sessions()
    attempt = Attempt(form.phone, form.password, now, origin)
    started = current_logins().log_in(
        attempt, lambda user, confirm: sessions.start(user, confirm, now=now, origin=origin)
    )
    return answer_tokens(started, now)
