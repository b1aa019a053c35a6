"""`migrate`: upgrades the tables to the schema version of this image."""

from hashlib import sha256
from importlib.resources import files

import click
import structlog
from alembic import command
from alembic.config import Config
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from efishery_auth.commands.waiting import wait_for_primary
from efishery_auth.database_errors import error_code
from efishery_auth.engines import MIGRATION_TIMEOUTS, db, engine_options

ACCESS_DENIED = (1044, 1045)  # to the database, or of the account
TAKE_LOCK = text("SELECT GET_LOCK(:name, :seconds)")

log = structlog.get_logger(__name__)


@click.command()
@with_appcontext
def migrate() -> None:
    """Wait for the primary and migrate its tables; safe to repeat, and to run twice at once."""
    seconds = current_app.config["DATABASE_WAIT_SECONDS"]
    wait_for_primary(db.engine, seconds)
    with connect() as connection:
        take_lock(connection, seconds)
        command.upgrade(alembic_config(connection), "head")
        connection.commit()
    log.info("migrated")


def connect() -> Connection:
    """Connect by the account of the migrations, or by the application's where the server does not know that one yet.

    An upgrade that brings the account migrates before the agents make it; until then the application may do all.
    """
    url = current_app.config["MIGRATION_URL"]
    try:
        return migration_engine(url).connect()
    except DBAPIError as error:
        if error_code(error) not in ACCESS_DENIED or url == db.engine.url:
            raise
        log.warning("migration_account_refused", user=url.username, instead=db.engine.url.username)
        return migration_engine(db.engine.url).connect()


def migration_engine(url: URL) -> Engine:
    """Return an engine that waits for a statement as long as a migration may take."""
    return create_engine(url, **engine_options(url, MIGRATION_TIMEOUTS, current_app.config["DATABASE_CA_FILE"]))


def alembic_config(connection: Connection | None) -> Config:
    """Return Alembic's configuration for this package's migrations on `connection`."""
    config = Config()
    config.set_main_option("script_location", str(files("efishery_auth") / "migrations"))
    config.attributes["connection"] = connection
    return config


def take_lock(connection: Connection, seconds: int) -> None:
    """Exclude other migrations of this database until `connection` is closed.

    Takes a user-level lock of MySQL (manual, section Locking Functions), which its connection holds. The connection is
    detached from the pool, so that leaving its context closes it. Raises click.ClickException when another connection
    still holds the lock after `seconds`.
    """
    if connection.dialect.name != "mysql":
        return
    connection.detach()
    name = lock_name(connection.engine.url.database or "")
    if not connection.execute(TAKE_LOCK, {"name": name, "seconds": seconds}).scalar():
        raise click.ClickException(f"another migration has been running for {seconds} s: look at its log, then repeat")


def lock_name(database: str) -> str:
    """Return the name of the lock for `database`: two releases may share a server, whose locks have one namespace.

    A lock's name has at most 64 characters, as a database's name does (MySQL manual, Locking Functions and Identifier
    Length Limits), so the database is named by a digest.
    """
    return f"auth-migrate:{sha256(database.encode()).hexdigest()[:32]}"
