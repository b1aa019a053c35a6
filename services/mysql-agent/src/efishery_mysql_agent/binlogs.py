"""Keep the member's binary logs below a total size; MySQL itself limits only their age."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import pymysql
import structlog

from efishery_mysql_agent import gtid, metrics
from efishery_mysql_agent.cluster import Cluster, ClusterError, NotFound
from efishery_mysql_agent.model import State, Status
from efishery_mysql_agent.mysql import Mysql, Row
from efishery_mysql_agent.peers import Peers

log = structlog.get_logger(__name__)

CHECK_SECONDS = 60


@dataclass
class Binlogs:
    """Purges the oldest logs over `limit` bytes (0: no limit), but none that another member may need.

    A member that returns without what was purged has to clone. `pods` are those of the other members that may exist.
    """

    mysql: Mysql
    peers: Peers
    cluster: Cluster
    pods: list[str]
    limit: int
    _checked_at: float = float("-inf")

    def run(self, me: Status) -> None:
        """Check the size, unless that was done within the last minute."""
        now = time.monotonic()
        if not me.quorum or now - self._checked_at < CHECK_SECONDS:
            return
        self._checked_at = now
        try:
            logs = self.mysql.rows("SHOW BINARY LOGS")
            total = sum(int(row["File_size"]) for row in logs)
            metrics.BINLOGS.set(total)
            if 0 < self.limit < total:
                self._purge(logs, total - self.limit)
        except (ClusterError, pymysql.MySQLError) as error:
            log.warning("binlogs_not_purged", reason=str(error))

    def _purge(self, logs: list[Row], excess: int) -> None:
        sets = {status.pod: status.gtids for status in self.peers.ask() if status.state is not State.DOWN}
        unknown = [pod for pod in self.pods if pod not in sets and self._exists(pod)]
        if unknown:
            log.warning("binlogs_not_purged", reason=f"{', '.join(unknown)} does not say what it needs")
            return
        first = self._first_to_keep(logs, excess, sets.values())
        if first:
            self.mysql.rows("PURGE BINARY LOGS TO %s", (first,))
            log.info("binlogs_purged", before=first)

    def _first_to_keep(self, logs: list[Row], excess: int, sets: Collection[str]) -> str | None:
        """Return the log before which enough can be purged, or as much as all others have; None: nothing."""
        names: list[str] = []
        for oldest, following in pairwise(logs):
            if excess <= 0:
                break
            excess -= int(oldest["File_size"])
            names.append(str(following["Log_name"]))
        for name in reversed(names):
            before = self._gtids_before(name)
            if all(gtid.is_subset(self.mysql, before, of) for of in sets):
                return name
        return None

    def _gtids_before(self, name: str) -> str:
        """Return the transactions of all logs before this one: its second event has them."""
        events = self.mysql.rows("SHOW BINLOG EVENTS IN %s LIMIT 2", (name,))
        return next(str(event["Info"]) for event in events if event["Event_type"] == "Previous_gtids")

    def _exists(self, pod: str) -> bool:
        try:
            self.cluster.labels(pod)
        except NotFound:
            return False
        return True
