"""`create-admin`: the first admin, since nobody can make themselves one."""

import os
from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError

from efishery_auth import passwords, phones
from efishery_auth.commands.waiting import wait_for_primary
from efishery_auth.database import DatabaseUnavailable
from efishery_auth.engines import db
from efishery_auth.models import Role
from efishery_auth.origins import COMMAND_LINE
from efishery_auth.phones import masked
from efishery_auth.state import current_users
from efishery_auth.users import PhoneTaken, find_by_phone

PASSWORD_VARIABLE = "AUTH_ADMIN_PASSWORD"  # noqa: S105 -- a variable's name


class PhoneType(click.ParamType[str]):
    """A phone number, normalised."""

    name = "phone"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the normalised number, or fail with an example of one."""
        try:
            return phones.normalise(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("create-admin")
@click.option("--phone", type=PhoneType(), required=True, help="The admin's phone, as in +628123456789.")
@click.option("--name", default="Administrator", show_default=True, help="The admin's name.")
@with_appcontext
def create_admin(phone: str, name: str) -> None:
    """Wait for the primary and register an admin, unless the phone is one already.

    The password is that of AUTH_ADMIN_PASSWORD, or else made here and printed once.
    """
    wait_for_primary(db.engine, current_app.config["DATABASE_WAIT_SECONDS"])
    try:
        click.echo(_create(phone, name))
    except PhoneTaken as error:
        raise click.ClickException(f"{masked(phone)} was registered by somebody else just now; repeat") from error
    except DatabaseUnavailable as error:
        raise click.ClickException(f"the database became unavailable, repeat: {error.__cause__}") from error
    except DBAPIError as error:
        raise click.ClickException(f"the database refused, has `migrate` run? {error.orig}") from error


def _create(phone: str, name: str) -> str:
    users = current_users()
    user = users.database.primary.read(lambda session: find_by_phone(session, phone))
    if user and user.role != Role.ADMIN:
        raise click.ClickException(f"{masked(phone)} is registered as a {user.role}; choose another phone")
    if user:
        return f"{masked(phone)} is an admin already; nothing changed"
    given = passwords.nfc(os.environ.get(PASSWORD_VARIABLE, ""))
    if given and not passwords.LENGTH <= len(given) <= passwords.MAX_LENGTH:
        bounds = f"{passwords.LENGTH} to {passwords.MAX_LENGTH} characters"
        raise click.ClickException(f"{PASSWORD_VARIABLE} must have {bounds}, at random: its hash is a quick one")
    password = given or passwords.generate()
    now = datetime.now(UTC)
    users.register(name=name, phone=phone, role=Role.ADMIN, password=password, now=now, origin=COMMAND_LINE)
    return f"{masked(phone)} is registered as an admin" + ("" if given else f"; password: {password}")
