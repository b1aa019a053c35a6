"""GET /auth/users, and GET and PATCH /auth/users/{user_id}, for admins."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from efishery_auth import forms, queries, user_changes, user_directory
from efishery_auth.callers import current_caller
from efishery_auth.origins import current_origin
from efishery_auth.paging import parse_id
from efishery_auth.state import current_users
from efishery_auth.user_changes import Change, UnknownUser
from efishery_auth.views.pages import page_answer
from servicekit.envelope import success
from servicekit.tokens import require_role

blueprint = Blueprint("users", __name__)


@blueprint.get("/auth/users")
@require_role("admin")
def list_users() -> Response:
    """Answer a page of users, in the order in which they registered."""
    query = queries.read(queries.UsersQuery)
    page = current_users().database.read(
        lambda db_session: user_directory.search(
            db_session,
            limit=query.limit,
            after=query.cursor,
            text=query.search,
            role=query.role,
            disabled=query.disabled,
        )
    )
    return page_answer(queries.USERS, page, user_directory.as_json)


@blueprint.get("/auth/users/<user_id>")
@require_role("admin")
def show_user(user_id: str) -> Response:
    """Answer one user; one that no replica has yet is read from the primary."""
    database, number = current_users().database, id_in_path(user_id)
    user = database.read(lambda db_session: user_directory.find(db_session, number))
    user = user or database.primary.read(lambda db_session: user_directory.find(db_session, number))
    if user is None:
        raise UnknownUser
    return success(user_directory.as_json(user), headers={"Cache-Control": "no-store"})


@blueprint.patch("/auth/users/<user_id>")
@require_role("admin")
def change_user(user_id: str) -> Response:
    """Change a user's name or role, disable a user or enable one again; answer the user."""
    form = forms.read(forms.UserChange)
    number, wanted = id_in_path(user_id), Change(name=form.name, role=form.role, disabled=form.disabled)
    actor_id, now, origin = current_caller().user_id, datetime.now(UTC), current_origin()
    user = current_users().database.primary.write(
        lambda db_session: user_changes.change(db_session, number, wanted, actor_id=actor_id, now=now, origin=origin)
    )
    return success(user_directory.as_json(user), headers={"Cache-Control": "no-store"})


def id_in_path(text: str) -> int:
    """Return the id of a user in a path. Raises UnknownUser for what no user can have."""
    try:
        return parse_id(text)
    except ValueError:
        raise UnknownUser from None
