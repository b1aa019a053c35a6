"""POST /auth/login."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from efishery_auth import forms
from efishery_auth.origins import current_origin
from efishery_auth.state import current_sessions, current_users
from efishery_auth.views.token_answer import answer_tokens

blueprint = Blueprint("login", __name__)


@blueprint.post("/auth/login")
def login() -> Response:
    """Exchange phone and password for an access token and a refresh token; start a session."""
    form = forms.read(forms.Login)
    user = current_users().authenticate(phone=form.phone, password=form.password)
    now = datetime.now(UTC)
    return answer_tokens(current_sessions().start(user, now=now, origin=current_origin()), now)
