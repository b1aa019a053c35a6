"""POST /auth/register."""

from datetime import UTC, datetime

from flask import Blueprint, Response, request
from flask_jwt_extended import jwt_required

from efishery_auth import forms, idempotency, passwords, tokens
from efishery_auth.callers import current_caller
from efishery_auth.models import Role
from efishery_auth.origins import current_origin
from efishery_auth.state import current_users
from servicekit.envelope import success
from servicekit.errors import Forbidden, Invalid
from servicekit.tokens import current_claims

blueprint = Blueprint("register", __name__)


@blueprint.post("/auth/register")
@jwt_required(optional=True)
def register() -> Response:
    """Register a user with a generated password, which no other answer shows.

    With an Idempotency-Key, a repeated request is answered like the first one for ten minutes.
    """
    form = forms.read(forms.Registration)
    if form.role is Role.ADMIN and current_claims().get("role") != Role.ADMIN:
        raise Forbidden("only an admin can register an admin: send an admin's token, or leave role out")
    key = _idempotency_key()
    password = _derived_password(key, form) if key else passwords.generate()
    user = current_users().register(
        name=form.name,
        phone=form.phone,
        role=form.role,
        password=password,
        now=datetime.now(UTC),
        origin=current_origin(),
        actor_id=current_caller().user_id if current_claims() else None,
        may_be_repeated=key is not None,
    )
    return success(
        {"id": user.id, "name": user.name, "phone": user.phone, "role": user.role, "password": password},
        status=201,
        msg="registered; keep the password, it is not shown again",
        headers={"Cache-Control": "no-store"},
    )


def _idempotency_key() -> str | None:
    header = request.headers.get(idempotency.HEADER)
    try:
        return idempotency.parse_key(header) if header is not None else None
    except ValueError as error:
        raise Invalid([{"field": idempotency.HEADER, "msg": str(error)}]) from error


def _derived_password(key: str, form: forms.Registration) -> str:
    secret = tokens.current_keys().registration_secret
    return idempotency.derive_password(secret, key, name=form.name, phone=form.phone, role=form.role)
