"""`python -m efishery_mysql_agent.create_lease`: creates the group's Lease where there is none, and never changes one.

The chart lets Argo CD run it before each full sync (ADR 90). Exit codes: 1 the API did not answer or refused, 2 bad
settings.
"""

from __future__ import annotations

import structlog
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from efishery_mysql_agent.cluster import ClusterError, create_lease
from servicekit import logging
from servicekit.settings import ServiceSettings, load

log = structlog.get_logger(__name__)


class CreateLeaseSettings(ServiceSettings):
    """Which Lease."""

    model_config = SettingsConfigDict(env_prefix="CREATE_LEASE_")

    namespace: str = Field(min_length=1)
    name: str = "mysql"


def main() -> None:
    """Create what is missing; raises SystemExit as the module says."""
    settings = load(CreateLeaseSettings)
    logging.configure(settings.log_level, settings.log_format)
    try:
        created = create_lease(settings.namespace, settings.name)
    except ClusterError as error:
        log.error("lease_not_created", lease=settings.name, error=str(error))  # noqa: TRY400 -- the text says it all
        raise SystemExit(1) from error
    log.info("lease_created" if created else "lease_exists", lease=settings.name)


if __name__ == "__main__":
    main()
