"""POST /auth/refresh."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from efishery_auth import forms
from efishery_auth.origins import current_origin
from efishery_auth.state import current_sessions
from efishery_auth.views.token_answer import answer_tokens

blueprint = Blueprint("refresh", __name__)


@blueprint.post("/auth/refresh")
def refresh() -> Response:
    """Exchange a refresh token for a new access token and the next refresh token (RFC 6749, section 6)."""
    form = forms.read(forms.Refresh)
    now = datetime.now(UTC)
    return answer_tokens(current_sessions().refresh(form.refresh_token, now=now, origin=current_origin()), now)
