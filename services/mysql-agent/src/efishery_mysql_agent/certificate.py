"""mysqld's certificate: mysqld reads the files at its start, and again when it is told that they have changed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from math import nan
from pathlib import Path

import pymysql
import structlog

from efishery_mysql_agent import metrics
from efishery_mysql_agent.mysql import Mysql

CHECK_SECONDS = 30
FILES = ("ca.crt", "tls.crt")
# The kubelet updates mysqld's volume and the agent's one after the other, so mysqld reads once more at the next check.
RELOADS = 2
# https://dev.mysql.com/doc/refman/9.7/en/performance-schema-tls-channel-status-table.html
STATEMENT = """
SELECT value AS not_after FROM performance_schema.tls_channel_status
WHERE channel = 'mysql_main' AND property = 'Ssl_server_not_after'
"""

log = structlog.get_logger(__name__)


class Certificate:
    """Lets mysqld reload its certificate and CA when the files change, and publishes when the served one expires."""

    def __init__(self, mysql: Mysql, folder: Path) -> None:
        self._mysql, self._folder = mysql, folder
        self._checked_at = float("-inf")
        self._files: list[bytes] = []
        self._reloads_left = 0

    def run(self) -> None:
        """Check, unless that was done within the last half minute."""
        now = time.monotonic()
        if now - self._checked_at < CHECK_SECONDS:
            return
        self._checked_at = now
        try:
            self._reload_changed()
        except (OSError, pymysql.MySQLError) as error:
            metrics.ACTIONS.labels("ReloadCertificate", "failed").inc()
            log.warning("certificate_not_reloaded", reason=str(error))
        try:
            metrics.CERTIFICATE_END.set(parse(self._mysql.rows(STATEMENT)[0]["not_after"]).timestamp())
        except (pymysql.MySQLError, LookupError, ValueError) as error:
            metrics.CERTIFICATE_END.set(nan)
            log.warning("certificate_not_read", reason=str(error))

    def _reload_changed(self) -> None:
        """New connections get the new certificate, those of members too; present ones stay as they are.

        On error mysqld goes on with the former certificate, and the next check tries again.
        """
        files = [(self._folder / name).read_bytes() for name in FILES]
        if files != self._files:
            self._reloads_left = RELOADS
        self._files = files
        if self._reloads_left:
            self._mysql.run("ALTER INSTANCE RELOAD TLS")
            self._reloads_left -= 1
            log.info("certificate_reloaded")


def parse(not_after: str) -> datetime:
    """Return the time in OpenSSL's form, such as `Nov  3 20:00:00 2036 GMT`. Raises ValueError."""
    return datetime.strptime(not_after, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
