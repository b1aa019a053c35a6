"""Ask the other agents for their members' status."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

import requests

from efishery_mysql_agent import wire
from efishery_mysql_agent.model import Status

TIMEOUT_SECONDS = (1, 2)  # connect, read; the time of a name lookup comes on top and has no limit
ASK_SECONDS = 2  # that a round waits for the answers
STALE_SECONDS = 5  # an older snapshot is ignored: that agent's loop does not run
Answer = tuple[Status, float] | None


class Peers:
    """The other agents, by pod and URL."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._urls = urls
        self._pool = ThreadPoolExecutor(max_workers=len(urls), thread_name_prefix="peer")
        self._asked: dict[str, Future[Answer]] = {}

    def ask(self) -> tuple[Status, ...]:
        """Return the status of every peer that answers in time.

        One that has not answered yet is not asked again, and not waited for again: its answer counts in a later round.
        """
        new = {pod: self._pool.submit(_ask, pod, url) for pod, url in self._urls.items() if pod not in self._asked}
        wait(new.values(), timeout=ASK_SECONDS)
        self._asked |= new
        answers = [self._asked.pop(pod).result() for pod, future in list(self._asked.items()) if future.done()]
        now = time.monotonic()
        return tuple(answer[0] for answer in answers if answer and now - answer[1] < STALE_SECONDS)


def _ask(pod: str, url: str) -> Answer:
    """Return the peer's status and when it was observed, if it answers."""
    asked_at = time.monotonic()  # before the answer, which may wait in a buffer while this process is paused
    try:
        # A new connection each time, no session: a replaced pod has another address.
        answer = requests.get(url, timeout=TIMEOUT_SECONDS)
        body = answer.json()
        status, observed_at = wire.load(body), asked_at - float(body["age_seconds"])
    except (requests.RequestException, KeyError, TypeError, ValueError):
        return None
    return (status, observed_at) if status.pod == pod else None
