"""PUT /auth/name."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from efishery_auth import forms, user_changes, user_directory
from efishery_auth.callers import current_caller
from efishery_auth.origins import current_origin
from efishery_auth.state import current_users
from servicekit.envelope import success
from servicekit.tokens import require_token

blueprint = Blueprint("name", __name__)


@blueprint.put("/auth/name")
@require_token
def change_name() -> Response:
    """Change the caller's own name. Tokens that were issued before have the former one until they are refreshed."""
    form = forms.read(forms.NameChange)
    user_id, now, origin = current_caller().user_id, datetime.now(UTC), current_origin()
    user = current_users().database.primary.write(
        lambda db_session: user_changes.rename(db_session, user_id, form.name, now=now, origin=origin)
    )
    return success(user_directory.as_json(user), headers={"Cache-Control": "no-store"})
