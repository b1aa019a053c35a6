"""Users and events for tests, stored directly: a registration takes a password hash each."""

from datetime import UTC, datetime

from flask import Flask

from efishery_auth.models import AuditEvent, Role, User
from efishery_auth.state import current_users

REGISTERED_AT = datetime(2022, 5, 1, 3, tzinfo=UTC)


def add_user(app: Flask, name: str, phone: str, *, role: Role = Role.USER, disabled_at: datetime | None = None) -> int:
    """Store a user nobody can log in as; return the id."""
    values = {"name": name, "phone": phone, "role": role, "disabled_at": disabled_at, "created_at": REGISTERED_AT}
    user = User(**values, password_hash="")
    with app.app_context():
        current_users().database.primary.write(lambda db_session: db_session.add(user))
    return user.id


def change_directly(app: Flask, user_id: int, **values: object) -> None:
    """Change a user as nobody does through the API: without an end of sessions."""

    def change(user: User | None) -> None:
        for name, value in values.items():
            setattr(user, name, value)

    with app.app_context():
        current_users().database.primary.write(lambda db_session: change(db_session.get(User, user_id)))


def add_event(app: Flask, **values: object) -> None:
    """Store an event of the audit log."""
    defaults = {"occurred_at": REGISTERED_AT, "action": "logged_in", "address": "192.0.2.1", "request_id": "r"}
    event = AuditEvent(**(defaults | values))
    with app.app_context():
        current_users().database.primary.write(lambda db_session: db_session.add(event))
