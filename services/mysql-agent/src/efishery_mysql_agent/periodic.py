"""Bring one thing to its target: when the target changes, and every CHECK_SECONDS."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

import pymysql
import structlog

from efishery_mysql_agent.cluster import ClusterError

log = structlog.get_logger(__name__)

CHECK_SECONDS = 15
RETRY_SECONDS = 1  # pause after a failure
T = TypeVar("T")


class Periodic(Generic[T]):
    """`step` reads what there is, and changes it to the target.

    What is remembered is only which target was reached last, and not beyond a failure, or a time without a target.
    """

    def __init__(self, name: str, step: Callable[[T], None]) -> None:
        self._name, self._step = name, step
        self._reached: T | None = None
        self._checked_at = self._failed_at = float("-inf")

    def run(self, target: T | None) -> bool:
        """Return whether the target is reached; None: there is none."""
        now = time.monotonic()
        if target is None or target != self._reached:
            self._reached = None
        elif now - self._checked_at < CHECK_SECONDS:
            return True
        if target is None or now - self._failed_at < RETRY_SECONDS:
            return False
        try:
            self._step(target)
        except (ClusterError, OSError, pymysql.MySQLError) as error:
            self._reached, self._failed_at = None, time.monotonic()
            log.warning("not_reconciled", what=self._name, reason=str(error))
            return False
        self._reached, self._checked_at = target, now
        return True
