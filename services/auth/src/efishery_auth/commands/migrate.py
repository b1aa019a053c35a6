"""`migrate`: brings the tables to the version that this image serves."""

import time
from importlib.resources import files

import click
import structlog
from alembic import command
from alembic.config import Config
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from efishery_auth.database import db

RETRY_SECONDS = 1.0
log = structlog.get_logger(__name__)


@click.command()
@with_appcontext
def migrate() -> None:
    """Wait for the primary and migrate its tables; safe to repeat."""
    wait_for_database(db.engine, current_app.config["DATABASE_WAIT_SECONDS"])
    with db.engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(files("efishery_auth") / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    log.info("migrated")


def wait_for_database(engine: Engine, seconds: float) -> None:
    """Return once the database answers. Raises click.ClickException with the last error after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError as error:
            if time.monotonic() >= deadline:
                raise click.ClickException(f"the database did not answer within {seconds} s: {error.orig}") from error
            log.info("waiting_for_database", error=str(error.orig))
            time.sleep(RETRY_SECONDS)
        else:
            return
