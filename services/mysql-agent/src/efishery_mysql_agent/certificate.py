"""When the certificate expires that mysqld serves: mysqld reads the file at its start, so the file may be newer."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from math import nan

import pymysql
import structlog

from efishery_mysql_agent import metrics
from efishery_mysql_agent.mysql import Mysql

CHECK_SECONDS = 60
# https://dev.mysql.com/doc/refman/9.7/en/performance-schema-tls-channel-status-table.html
STATEMENT = """
SELECT value AS not_after FROM performance_schema.tls_channel_status
WHERE channel = 'mysql_main' AND property = 'Ssl_server_not_after'
"""

log = structlog.get_logger(__name__)


class CertificateCheck:
    """Publishes the metric once a minute."""

    def __init__(self, mysql: Mysql) -> None:
        self._mysql = mysql
        self._checked_at = float("-inf")

    def run(self) -> None:
        """Read the time and publish it, unless that was done within the last minute."""
        now = time.monotonic()
        if now - self._checked_at < CHECK_SECONDS:
            return
        self._checked_at = now
        try:
            metrics.CERTIFICATE_END.set(parse(self._mysql.rows(STATEMENT)[0]["not_after"]).timestamp())
        except (pymysql.MySQLError, LookupError, ValueError) as error:
            metrics.CERTIFICATE_END.set(nan)
            log.warning("certificate_not_read", reason=str(error))


def parse(not_after: str) -> datetime:
    """Return the time in OpenSSL's form, such as `Nov  3 20:00:00 2036 GMT`. Raises ValueError."""
    return datetime.strptime(not_after, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
