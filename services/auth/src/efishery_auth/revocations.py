"""Collects the sessions and users whose access tokens are refused, for auth itself and, by Redis, for fetch (ADR 64).

Requests write only MySQL. Each second a pod reads what ended within the lifetime of an access token, and adds it to
what it and Redis know: a pod that has just started, or reads from a replica that lags, takes nothing from the others.
"""

from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import Counter
from redis import Redis, RedisError
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from efishery_auth.database import Database, DatabaseUnavailable
from efishery_auth.models import LoginSession, User
from efishery_auth.sessions import EndReason
from servicekit.repetition import repeat
from servicekit.revocations import KEY, MAX_ENTRIES, NOTHING, RevocationList, Revocations

POLL_SECONDS = 1.0
MARGIN = timedelta(seconds=60)  # clock skew, the leeway of `exp`, and a commit that took long

REDIS_FAILURES = Counter("auth_redis_failures_total", "Redis operations that failed")

log = structlog.get_logger(__name__)


class RevocationPublisher:
    """Keeps `revoked` current, and its copy in Redis, if there is one."""

    def __init__(
        self, database: Database, redis: Redis | None, revoked: RevocationList, access_token_lifetime: timedelta
    ) -> None:
        self._database = database
        self._redis = redis
        self._revoked = revoked
        self._window = access_token_lifetime + MARGIN

    def run(self) -> None:
        """Publish for as long as the process lives."""
        repeat(lambda: self.publish(datetime.now(UTC)), lambda: POLL_SECONDS, "revocations_failed")

    def publish(self, now: datetime) -> None:
        """Read what has ended, refuse it, and make Redis have it."""
        since = now - self._window
        self._learn(self._ended(since), since)
        if self._redis is not None:
            try:
                self._share(self._redis, now, since)
            except RedisError as error:
                REDIS_FAILURES.inc()
                log.warning("redis_failed", error=str(error))

    def _learn(self, revocations: Revocations, since: datetime) -> None:
        self._revoked.replace(self._revoked.current.merged(revocations).trimmed(int(since.timestamp())))

    def _ended(self, since: datetime) -> Revocations:
        try:
            return self._database.read_newest(lambda db_session: ended(db_session, since))
        except DatabaseUnavailable:
            return NOTHING  # what is known remains

    def _share(self, redis: Redis, now: datetime, since: datetime) -> None:
        record = redis.get(KEY)
        stored = _parse(record) if isinstance(record, bytes) else None
        if stored is not None:
            self._learn(stored, since)
        if stored != self._revoked.current:
            redis.set(KEY, self._revoked.current.dumps(int(now.timestamp())), ex=self._window)


def ended(db_session: Session, since: datetime) -> Revocations:
    """Return the sessions that ended since then, and the users whose tokens without a session did."""
    revoked = LoginSession.end_reason.is_distinct_from(EndReason.TOO_MANY)
    sessions = _newest(db_session, LoginSession.id, LoginSession.ended_at, since, revoked)
    users = _newest(db_session, User.id, User.tokens_not_before, since)
    return Revocations(sessions, users, 0)


def _newest(
    db_session: Session,
    key: InstrumentedAttribute[str] | InstrumentedAttribute[int],
    moment: InstrumentedAttribute[datetime | None],
    since: datetime,
    *conditions: ColumnElement[bool],
) -> dict[str, int]:
    # One more than is kept, so that `trimmed` knows from when on there were more.
    recent: ColumnElement[bool] = moment >= since
    rows = db_session.execute(
        select(key, moment).where(recent, *conditions).order_by(moment.desc()).limit(MAX_ENTRIES + 1)
    )
    return {str(found): int(at.timestamp()) for found, at in rows if at}


def _parse(record: bytes) -> Revocations | None:
    try:
        return Revocations.loads(record)
    except ValueError as error:
        log.warning("corrupt_record", key=KEY, error=str(error))
        return None
