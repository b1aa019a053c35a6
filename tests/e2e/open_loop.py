"""Sends requests at a fixed rate, however long the answers take: an open loop."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def sending(requests: Iterator[Callable[[], object]], rate: float, threads: int) -> Iterator[None]:
    """Start `rate` of the requests a second, each in one of the threads, until the block ends; wait for the last."""
    ending = threading.Event()

    def send_all() -> None:
        due = time.monotonic()
        for request in requests:
            due += 1 / rate
            if ending.wait(max(0, due - time.monotonic())):
                return
            pool.submit(request)

    with ThreadPoolExecutor(threads) as pool:
        sender = threading.Thread(target=send_all, daemon=True)
        sender.start()
        try:
            yield
        finally:
            ending.set()
            sender.join()
