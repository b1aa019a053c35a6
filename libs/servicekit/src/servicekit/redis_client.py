"""A client of Redis that waits for it a bounded time. Needs the extra `redis`."""

from pydantic import SecretStr
from redis import ConnectionError as RedisConnectionError
from redis import Redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

TIMEOUT_SECONDS = 1.0  # to connect, and for each answer


def connect(url: str, password: SecretStr | None) -> Redis:
    """Make a client; nothing is sent before the first command."""
    return Redis.from_url(
        url,
        password=password.get_secret_value() if password else None,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # One immediate retry, for an idle connection that Redis has closed. Timeouts are not retried.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        # For managed Redis only; elsewhere each connection would add a denied command to Redis' ACL log.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
