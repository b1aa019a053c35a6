"""POST /auth/register."""

from datetime import UTC, datetime

from flask import Blueprint, Response
from flask_jwt_extended import jwt_required

from efishery_auth import forms, passwords, users
from efishery_auth.database import database
from efishery_auth.models import Role
from servicekit.envelope import success
from servicekit.errors import Forbidden
from servicekit.tokens import current_claims

blueprint = Blueprint("register", __name__)


@blueprint.post("/auth/register")
@jwt_required(optional=True)
def register() -> Response:
    """Register a user with a password made here; the answer is the only place that ever shows it."""
    form = forms.read(forms.Registration)
    if form.role is Role.ADMIN and current_claims().get("role") != Role.ADMIN:
        raise Forbidden("only an admin can register an admin: send an admin's token, or leave role out")
    password = passwords.generate()
    user = users.register(
        database(),
        name=form.name,
        phone=form.phone,
        role=form.role,
        password=password,
        now=datetime.now(UTC),
    )
    return success(
        {"id": user.id, "name": user.name, "phone": user.phone, "role": user.role, "password": password},
        status=201,
        msg="registered; keep the password, it is not shown again",
        headers={"Cache-Control": "no-store"},
    )
