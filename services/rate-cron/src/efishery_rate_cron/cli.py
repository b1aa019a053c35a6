"""The command `rate-cron`: exit code 0 when the rate was written, 1 when it was not, 2 for bad settings."""

from datetime import UTC, datetime

import redis
import structlog
from redis.maint_notifications import MaintNotificationsConfig

from efishery_rate_cron import providers, store
from efishery_rate_cron.refresh import Bounds, NoSaneRateError, first_sane
from efishery_rate_cron.settings import RateCronSettings
from servicekit.http import Session
from servicekit.logging import configure
from servicekit.settings import load

log = structlog.get_logger(__name__)


def main() -> int:
    """Do one run and answer its exit code; raises SystemExit(2) for bad settings."""
    settings = load(RateCronSettings)
    configure(settings.log_level, settings.log_format)
    try:
        run(settings, datetime.now(UTC))
    except NoSaneRateError as error:
        log.error("rate_not_written", reason=str(error))  # noqa: TRY400 -- an expected failure, told in one line
        return 1
    except redis.RedisError as error:
        log.error("rate_not_written", reason=f"Redis: {error}")  # noqa: TRY400 -- as above
        return 1
    return 0


def run(settings: RateCronSettings, now: datetime) -> None:
    """Take the rate and write it; raises NoSaneRateError and redis.RedisError."""
    bounds = Bounds(settings.min_rate, settings.max_rate)
    with Session(settings.timeout_seconds, user_agent="efishery-rate-cron") as session:
        provider, quote = first_sane(providers.build(settings), session, bounds)
    value = store.record(quote, provider.name, now)
    with _connect(settings) as client:
        store.write(client, value)
    log.info("rate_written", key=store.KEY, **value)


def _connect(settings: RateCronSettings) -> redis.Redis:
    password = settings.redis_password.get_secret_value() if settings.redis_password else None
    return redis.Redis.from_url(
        str(settings.redis_url),
        password=password,
        socket_connect_timeout=settings.timeout_seconds,
        socket_timeout=settings.timeout_seconds,
        # Only managed Redis has these; asking for them would be a denied command in Redis' ACL log at each run.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
