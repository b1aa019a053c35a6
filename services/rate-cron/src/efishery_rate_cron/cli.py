"""The command `rate-cron`: exit code 0 when the rate was written, 1 when it was not, 2 for bad settings."""

from datetime import UTC, datetime

import redis
import structlog
from redis.maint_notifications import MaintNotificationsConfig

from efishery_rate_cron import providers, rate_record
from efishery_rate_cron.selection import Bounds, NoValidRateError, first_valid
from efishery_rate_cron.settings import RateCronSettings
from servicekit.http import HTTPClient
from servicekit.logging import configure
from servicekit.settings import load

log = structlog.get_logger(__name__)


def main() -> int:
    """Run once and return the exit code; raises SystemExit(2) for bad settings."""
    settings = load(RateCronSettings)
    configure(settings.log_level, settings.log_format)
    try:
        run(settings, datetime.now(UTC))
    except NoValidRateError as error:
        log.error("rate_not_written", reason=str(error))  # noqa: TRY400 -- an expected failure needs no traceback
        return 1
    except redis.RedisError as error:
        log.error("rate_not_written", reason=f"Redis: {error}")  # noqa: TRY400 -- as above
        return 1
    return 0


def run(settings: RateCronSettings, now: datetime) -> None:
    """Get the rate and write it to Redis; raises NoValidRateError and redis.RedisError."""
    bounds = Bounds(settings.min_rate, settings.max_rate)
    client = HTTPClient(settings.timeout_seconds, settings.max_bytes, "efishery-rate-cron")
    provider, quote = first_valid(providers.build(settings), client, bounds)
    record = rate_record.make_record(quote, provider.name, now)
    with _connect(settings) as redis_client:
        rate_record.write(redis_client, record)
    log.info("rate_written", key=rate_record.KEY, **record)


def _connect(settings: RateCronSettings) -> redis.Redis:
    password = settings.redis_password.get_secret_value() if settings.redis_password else None
    return redis.Redis.from_url(
        str(settings.redis_url),
        password=password,
        socket_connect_timeout=settings.timeout_seconds,
        socket_timeout=settings.timeout_seconds,
        # For managed Redis only; elsewhere each run would add a denied command to Redis' ACL log.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
