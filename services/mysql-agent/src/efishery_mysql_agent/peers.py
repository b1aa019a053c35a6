"""Ask the other agents for their members' status."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import requests

from efishery_mysql_agent import wire
from efishery_mysql_agent.model import Status

TIMEOUT_SECONDS = (1, 2)  # connect, read
STALE_SECONDS = 5  # an older snapshot is ignored: that agent's loop does not run


class Peers:
    """The other agents, by pod and URL."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._urls = urls
        self._pool = ThreadPoolExecutor(max_workers=len(urls), thread_name_prefix="peer")

    def ask(self) -> tuple[Status, ...]:
        """Return the status of every peer that answers."""
        return tuple(status for status in self._pool.map(self._one, self._urls, self._urls.values()) if status)

    def _one(self, pod: str, url: str) -> Status | None:
        try:
            # A new connection each time, no session: a replaced pod has another address.
            answer = requests.get(url, timeout=TIMEOUT_SECONDS)
            body = answer.json()
            status = wire.load(body)
            fresh = float(body["age_seconds"]) < STALE_SECONDS
        except (requests.RequestException, KeyError, TypeError, ValueError):
            return None
        return status if fresh and status.pod == pod else None
