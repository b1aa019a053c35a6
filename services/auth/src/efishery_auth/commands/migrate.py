"""`migrate`: brings the tables to the version that this image serves."""

from importlib.resources import files

import click
import structlog
from alembic import command
from alembic.config import Config
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import Connection, text

from efishery_auth.commands.waiting import wait_for_primary
from efishery_auth.database import db

# A lock is the server's, not the database's: two releases may share a server.
TAKE_LOCK = text("SELECT GET_LOCK(CONCAT('auth-migrate:', DATABASE()), :seconds)")

log = structlog.get_logger(__name__)


@click.command()
@with_appcontext
def migrate() -> None:
    """Wait for the primary and migrate its tables; safe to repeat, and to run twice at once."""
    seconds = current_app.config["DATABASE_WAIT_SECONDS"]
    wait_for_primary(db.engine, seconds)
    with db.engine.connect() as connection:
        take_lock(connection, seconds)
        command.upgrade(alembic_config(connection), "head")
        connection.commit()
    log.info("migrated")


def alembic_config(connection: Connection | None) -> Config:
    """Answer Alembic's configuration for this package's migrations on `connection`."""
    config = Config()
    config.set_main_option("script_location", str(files("efishery_auth") / "migrations"))
    config.attributes["connection"] = connection
    return config


def take_lock(connection: Connection, seconds: int) -> None:
    """Keep other migrations of this database out for as long as `connection` is open.

    It is MySQL's user-level lock (manual, section Locking Functions), which ends with its connection, so that
    one is closed in the end and not pooled. Raises click.ClickException when another holds it after `seconds`.
    """
    if connection.dialect.name != "mysql":
        return
    connection.detach()
    if not connection.execute(TAKE_LOCK, {"seconds": seconds}).scalar():
        raise click.ClickException(f"another migration has been running for {seconds} s: look at its log, then repeat")
