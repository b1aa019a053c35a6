"""PUT /auth/password, and POST /auth/users/{user_id}/password for admins."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from efishery_auth import forms
from efishery_auth.callers import current_caller
from efishery_auth.logins import Attempt
from efishery_auth.origins import current_origin
from efishery_auth.password_changes import PasswordChanges, Unacceptable
from efishery_auth.state import current_logins
from efishery_auth.views.users import id_in_path
from servicekit.envelope import success
from servicekit.errors import Invalid
from servicekit.tokens import current_claims, require_role, require_token

blueprint = Blueprint("password", __name__)


@blueprint.put("/auth/password")
@require_token
def choose_password() -> Response:
    """Replace the caller's password by a chosen one."""
    form, claims = forms.read(forms.PasswordChange), current_claims()
    # A token without a session counts alone.
    session_id = claims.get("sid") or claims["jti"]
    attempt = Attempt(claims["phone"], form.current_password, datetime.now(UTC), current_origin(), session_id)
    try:
        PasswordChanges(current_logins()).choose(current_caller().user_id, attempt, form.new_password)
    except Unacceptable as error:
        raise Invalid([{"field": "new_password", "msg": str(error)}]) from error
    return success(msg="password changed; your other sessions have ended")


@blueprint.post("/auth/users/<user_id>/password")
@require_role("admin")
def issue_password(user_id: str) -> Response:
    """Issue a new generated password for a user, which no other answer shows."""
    user, password = PasswordChanges(current_logins()).issue(
        id_in_path(user_id), actor_id=current_caller().user_id, now=datetime.now(UTC), origin=current_origin()
    )
    return success(
        {"id": user.id, "name": user.name, "phone": user.phone, "role": user.role, "password": password},
        status=201,
        msg="issued; keep the password, it is not shown again",
        headers={"Cache-Control": "no-store"},
    )
