"""Reads and writes the rate in Redis; `rate_record` has the forms."""

import time
from datetime import datetime, timedelta
from decimal import Decimal

import redis
import structlog
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from efishery_rate_cron import rate_record
from efishery_rate_cron.outcome import Outcome
from efishery_rate_cron.rate_record import RateRecord
from servicekit.serialization import rfc3339

TIMEOUT_SECONDS = 5.0  # to connect, and for each answer
RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


def connect(url: str, password: str | None) -> redis.Redis:
    """Make a client; nothing is sent before the first command."""
    return redis.Redis.from_url(
        url,
        password=password,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        decode_responses=True,
        encoding_errors="surrogateescape",  # a field that is not UTF-8 can be read, and deleted
        # One immediate retry, for a connection that was closed while the providers were asked.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        # For managed Redis only; elsewhere each run would add a denied command to Redis' ACL log.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


def wait_until_ready(client: redis.Redis, seconds: float) -> None:
    """Return once Redis answers; raises the last redis.RedisError after `seconds`, other errors at once.

    At an installation Redis starts together with the first run.
    """
    deadline = time.monotonic() + seconds
    reported = None
    while True:
        try:
            client.ping()
        except redis.AuthenticationError:
            raise
        except (redis.ConnectionError, redis.TimeoutError) as error:
            if time.monotonic() >= deadline:
                raise
            if reported != (reported := str(error)):
                log.info("waiting_for_redis", reason=reported)
            time.sleep(RETRY_SECONDS)
        else:
            return


def read_rate(client: redis.Redis) -> Decimal | None:
    """Return the stored rate; None when it has expired or is corrupt. Raises redis.RedisError."""
    text = client.get(rate_record.KEY)
    if text is None:
        return None
    try:
        return rate_record.rate_of(rate_record.parse(str(text)))
    except rate_record.CorruptRecordError as error:
        log.warning("corrupt_record", key=rate_record.KEY, reason=str(error))
        return None


def write(client: redis.Redis, record: RateRecord, keep: timedelta) -> None:
    """Store the rate with an expiry, update the history and count the run, in one transaction.

    The history is watched: if another run changes it meanwhile, the update is computed again. Raises redis.RedisError.
    """

    def update(pipeline: Pipeline) -> None:
        stored = {str(day): str(text) for day, text in pipeline.hgetall(rate_record.HISTORY_KEY).items()}
        history = rate_record.update_history(stored, record)
        pipeline.multi()
        pipeline.set(rate_record.KEY, rate_record.serialize(record), ex=keep)
        if history.entry:
            pipeline.hset(rate_record.HISTORY_KEY, history.day, history.entry)
        if history.delete:
            pipeline.hdel(rate_record.HISTORY_KEY, *history.delete)
        pipeline.hincrby(rate_record.RUNS_KEY, Outcome.WRITTEN)

    client.transaction(update, rate_record.HISTORY_KEY)


def count_failure(client: redis.Redis, outcome: Outcome, reason: str, at: datetime) -> None:
    """Count a run that wrote no rate, and keep its reason; raises redis.RedisError."""
    with client.pipeline(transaction=True) as pipeline:
        pipeline.hincrby(rate_record.RUNS_KEY, outcome)
        pipeline.hset(rate_record.RUNS_KEY, rate_record.LAST_FAILURE, reason)
        pipeline.hset(rate_record.RUNS_KEY, rate_record.LAST_FAILURE_AT, rfc3339(at))
        pipeline.execute()
