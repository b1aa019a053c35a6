"""POST /auth/login."""

from flask import Blueprint, Response, current_app

from efishery_auth import forms, tokens
from efishery_auth.state import current_users
from servicekit.envelope import success

blueprint = Blueprint("login", __name__)


@blueprint.post("/auth/login")
def login() -> Response:
    """Exchange phone and password for an access token, answered in the terms of RFC 6749, section 5.1."""
    form = forms.read(forms.Login)
    user = current_users().authenticate(phone=form.phone, password=form.password)
    token = tokens.issue(user)
    expires_in = int(current_app.config["JWT_ACCESS_TOKEN_EXPIRES"].total_seconds())
    return success(
        {"access_token": token, "token_type": "Bearer", "expires_in": expires_in},
        headers={"Cache-Control": "no-store"},
    )
