"""Waits for a primary that takes writes, as every command here needs one."""

import time

import click
import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

RETRY_SECONDS = 1.0
# A server that has lost its group, or has not joined it yet, answers but is read-only.
IS_READ_ONLY = text("SELECT @@global.super_read_only OR @@global.read_only")

log = structlog.get_logger(__name__)


def wait_for_primary(engine: Engine, seconds: float) -> None:
    """Return once the database takes writes. Raises click.ClickException with the last obstacle after `seconds`."""
    deadline = time.monotonic() + seconds
    while obstacle := _obstacle(engine):
        if time.monotonic() >= deadline:
            raise click.ClickException(f"the database took no writes within {seconds} s: {obstacle}")
        log.info("waiting_for_database", obstacle=obstacle)
        time.sleep(RETRY_SECONDS)


def _obstacle(engine: Engine) -> str | None:
    """Return why the database takes no writes, or None when it does."""
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "mysql" and connection.execute(IS_READ_ONLY).scalar_one():
                return "the server is read-only"
    except SQLAlchemyError as error:
        return str(getattr(error, "orig", error))
    return None
