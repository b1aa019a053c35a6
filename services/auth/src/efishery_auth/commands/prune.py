"""`prune`: removes sessions, failures and audit events that are too old."""

from datetime import UTC, datetime, timedelta

import click
import structlog
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError

from efishery_auth import pruning
from efishery_auth.commands.waiting import wait_for_primary
from efishery_auth.database import DatabaseUnavailable
from efishery_auth.engines import db
from efishery_auth.state import current_users

log = structlog.get_logger(__name__)


@click.command()
@with_appcontext
def prune() -> None:
    """Wait for the primary and delete rows that are too old, a thousand at a time; safe to repeat."""
    wait_for_primary(db.engine, current_app.config["DATABASE_WAIT_SECONDS"])
    keep_audit = timedelta(days=current_app.config["AUDIT_KEEP_DAYS"])
    try:
        deleted = pruning.prune(current_users().database.primary, datetime.now(UTC), keep_audit)
    except DatabaseUnavailable as error:
        raise click.ClickException(f"the database became unavailable, repeat: {error.__cause__}") from error
    except DBAPIError as error:
        raise click.ClickException(f"the database refused, has `migrate` run? {error.orig}") from error
    log.info("pruned", **deleted)
