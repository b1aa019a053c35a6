"""`keys rotate` and `keys show`: the keys in the Secret that signs tokens (ADR 61)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click
import structlog
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from efishery_auth import audit, signing_secret
from efishery_auth.audit import Action
from efishery_auth.database import DatabaseUnavailable
from efishery_auth.key_rotation import RotationSettings, next_step
from efishery_auth.origins import COMMAND_LINE
from efishery_auth.settings import ACCESS_TOKEN_SECONDS
from efishery_auth.state import current_users
from servicekit.secret_api import SecretApi, SecretApiError, SecretContent, SecretNotFound
from servicekit.secret_rotation import Due, Step
from servicekit.serialization import rfc3339

log = structlog.get_logger(__name__)


@click.group()
@click.option("--secret", default="auth-signing-key", show_default=True, help="The Secret's name.")
@click.option("--namespace", default="efishery", show_default=True, help="The Secret's namespace.")
@click.pass_context
def keys(context: click.Context, secret: str, namespace: str) -> None:
    """Rotate the key that signs tokens, or show which keys there are."""
    context.obj = (namespace, secret)


@keys.command()
@click.option("--rotate-days", type=click.IntRange(1), default=90, show_default=True, help="Age of a key to replace.")
@click.option(
    "--publish-seconds",
    type=click.IntRange(0),
    default=3600,
    show_default=True,
    help="How long a key is published before it signs: longer than any reader of the key set keeps it.",
)
@click.option(
    "--access-seconds",
    type=click.IntRange(0),
    default=ACCESS_TOKEN_SECONDS,
    show_default=True,
    help="Lifetime of an access token (AUTH_ACCESS_TOKEN_SECONDS).",
)
@click.option("--now", "start_now", is_flag=True, help="Begin a rotation although the key is not old.")
@click.pass_obj
@with_appcontext
def rotate(
    location: tuple[str, str], *, rotate_days: int, publish_seconds: int, access_seconds: int, start_now: bool
) -> None:
    """Take the step of a rotation that is due, if any; safe to repeat at any time."""
    settings = RotationSettings(
        timedelta(days=rotate_days), timedelta(seconds=publish_seconds), timedelta(seconds=access_seconds)
    )
    now = datetime.now(UTC)
    with _secret(location) as secret:
        content = secret.read()
        due = next_step(signing_secret.state_of(content), now, settings, start_now=start_now)
        if due.at > now:
            log.info("key_rotation_not_due", **_next(due))
            return
        changed = signing_secret.apply(content, due.step, now)
        secret.update(changed)
        _record(due.step, changed, next_step(signing_secret.state_of(changed), now, settings), now)


def _record(step: Step, content: SecretContent, following: Due, now: datetime) -> None:
    """Log the step and add it to the audit log; without the database it is logged only, since it has been taken."""
    found = {key.role: key.kid for key in signing_secret.describe(content)}
    log.info("key_rotated", step=step.value, keys=found, **_next(following))
    primary = current_users().database.primary
    details = f"{step.value}, signs with {found['signs']}"

    def add(db_session: Session) -> None:
        audit.record(db_session, Action.KEY_ROTATED, now=now, origin=COMMAND_LINE, details=details)

    try:
        primary.write(add)
    except (DatabaseUnavailable, SQLAlchemyError) as error:
        log.warning("key_rotation_not_audited", error=str(error.__cause__ or error))


@keys.command()
@click.pass_obj
def show(location: tuple[str, str]) -> None:
    """Print each key's id, what it is used for and its age in days; never a private key."""
    now = datetime.now(UTC)
    with _secret(location) as secret:
        content = secret.read()
        for key in signing_secret.describe(content):
            click.echo(f"{key.kid}  {key.role:9}  {(now - key.created_at).days} days")
    for name in (signing_secret.PUBLISHED_AT, signing_secret.ACTIVATED_AT):
        if name in content.annotations:
            click.echo(f"{name}: {content.annotations[name]}")


@contextmanager
def _secret(location: tuple[str, str]) -> Iterator[SecretApi]:
    """Open the Secret, and end the command with a message and exit code 1 for what is wrong with it."""
    namespace, name = location
    try:
        yield SecretApi(namespace, name)
    except SecretNotFound as error:
        raise click.ClickException(f"{error}: name another with --secret and --namespace") from error
    except SecretApiError as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:
        raise click.ClickException(f"the Secret {name} in namespace {namespace}: {error}") from error


def _next(due: Due) -> dict[str, str]:
    return {"next_step": due.step.value, "next_step_at": rfc3339(due.at)}
