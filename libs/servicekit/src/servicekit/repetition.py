"""A task that a background thread repeats for as long as the process lives."""

import time
from collections.abc import Callable
from typing import NoReturn

import structlog

log = structlog.get_logger(__name__)


def repeat(task: Callable[[], None], pause_seconds: Callable[[], float], event: str) -> NoReturn:
    """Run `task`, wait for `pause_seconds()`, and so on.

    An exception is logged as `event` and does not end the thread: what the task did last stays in use meanwhile.
    """
    while True:
        try:
            task()
        except Exception:
            log.exception(event)
        time.sleep(pause_seconds())
