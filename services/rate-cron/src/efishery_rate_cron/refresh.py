"""One refresh of the rate: read the previous one, ask the providers, write the new one or count the failure."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import redis
import structlog

from efishery_rate_cron import providers, rate_record, store
from efishery_rate_cron.outcome import Outcome, Result
from efishery_rate_cron.selection import (
    Answer,
    Bounds,
    ChangeLimit,
    ChangeRefusedError,
    NoValidRateError,
    select,
)
from efishery_rate_cron.settings import RateCronSettings
from servicekit.http import HTTPClient

log = structlog.get_logger(__name__)


def refresh(settings: RateCronSettings, max_change_percent: Decimal | None) -> Result:
    """Refresh the rate; with None as `max_change_percent`, any change is accepted. Raises redis.RedisError."""
    password = settings.redis_password.get_secret_value() if settings.redis_password else None
    with store.connect(str(settings.redis_url), password) as client:
        store.wait_until_ready(client, settings.redis_wait_seconds)
        bounds = Bounds(settings.min_rate, settings.max_rate)
        previous = store.read_rate(client)
        if previous and not bounds.contains(previous):
            previous = None
        change = ChangeLimit(previous, max_change_percent) if previous and max_change_percent else None
        now = datetime.now(UTC)
        try:
            answer = _ask(settings, bounds, change, now)
        except NoValidRateError as error:
            result = Result(Outcome.NO_PROVIDER, previous=previous, reason=str(error))
        except ChangeRefusedError as error:
            result = Result(Outcome.REFUSED, error.answer, previous, str(error))
        else:
            record = rate_record.make_record(answer.quote, answer.provider, now)
            store.write(client, record, timedelta(days=settings.keep_days))
            return Result(Outcome.WRITTEN, answer, previous)
        _count(client, result, now)
        return result


def _ask(settings: RateCronSettings, bounds: Bounds, change: ChangeLimit | None, now: datetime) -> Answer:
    client = HTTPClient(settings.timeout_seconds, settings.max_bytes, "efishery-rate-cron")
    return select(providers.build(settings), client, bounds, change, now)


def _count(client: redis.Redis, result: Result, now: datetime) -> None:
    """Count a failed run. If Redis has failed meanwhile, the run's own outcome is still the one to report."""
    try:
        store.count_failure(client, result.outcome, str(result.reason), now)
    except redis.RedisError as error:
        log.warning("run_not_counted", reason=str(error))
