"""`python -m efishery_mysql_agent.renew_certificate`: takes the step of a certificate's renewal that is due, if any.

The chart runs it every day (ADR 89); it is safe to repeat at any time. Exit codes: 1 the API did not answer or refused,
2 bad settings, 3 the Secret cannot be used.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from pydantic import Field, Json
from pydantic_settings import SettingsConfigDict

from efishery_mysql_agent.renewal import apply, next_step
from servicekit import logging
from servicekit.create_secrets import SecretSpec
from servicekit.secret_api import SecretApi, SecretApiError
from servicekit.serialization import rfc3339
from servicekit.settings import ServiceSettings, load

log = structlog.get_logger(__name__)


class RenewalSettings(ServiceSettings):
    """Which Secret to renew, with the certificate as `create_secrets` makes it, and the time between two steps."""

    model_config = SettingsConfigDict(env_prefix="RENEW_CERTIFICATE_")

    namespace: str = Field(min_length=1)
    spec: Json[SecretSpec]
    wait_seconds: int = Field(ge=0)


def main() -> None:
    """Take one step; raises SystemExit as the module says."""
    settings = load(RenewalSettings)
    logging.configure(settings.log_level, settings.log_format)
    try:
        renew(settings, datetime.now(UTC))
    except ValueError as error:
        log.error("secret_unusable", secret=settings.spec.name, error=str(error))  # noqa: TRY400 -- the text says it all
        raise SystemExit(3) from error
    except SecretApiError as error:
        log.error("secret_api_failed", error=str(error))  # noqa: TRY400 -- as above
        raise SystemExit(1) from error


def renew(settings: RenewalSettings, now: datetime) -> None:
    """Take the step that is due, if any, by one update guarded by resourceVersion."""
    if settings.spec.tls is None:
        raise ValueError("the settings describe no certificate")
    secret = SecretApi(settings.namespace, settings.spec.name)
    content = secret.read()
    validity, wait = timedelta(days=settings.spec.tls.days), timedelta(seconds=settings.wait_seconds)
    due = next_step(content, now, validity, wait)
    if due.at > now:
        log.info("renewal_not_due", next_step=due.step.value, next_step_at=rfc3339(due.at))
        return
    changed = apply(content, due.step, now, settings.spec.name, settings.spec.tls)
    secret.update(changed)
    following = next_step(changed, now, validity, wait)
    log.info("renewed", step=due.step.value, next_step=following.step.value, next_step_at=rfc3339(following.at))


if __name__ == "__main__":
    main()
