"""In place of concurrent.futures.ThreadPoolExecutor and wait()."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from tests.simulation.futures import Future
from tests.simulation.kernel import current_thread


def wait(futures: Iterable[Future], timeout: float | None = None) -> None:
    """In place of concurrent.futures.wait."""
    futures = list(futures)
    until = futures[0].kernel.now + timeout if futures and timeout is not None else None
    for future in futures:
        future.wait(max(0.0, until - future.kernel.now) if until is not None else None)


class Executor:
    """In place of ThreadPoolExecutor; it has as many workers as there are calls."""

    def __init__(self, *_: object, **__: object) -> None:
        self._futures: list[Future] = []

    def submit(self, call: Callable[..., object], *arguments: object) -> Future:
        """Run `call` in a thread of the calling process. An exception that nobody asks for ends the simulation."""
        future = self._submit(call, *arguments)
        future.must_be_read = True
        return future

    def _submit(self, call: Callable[..., object], *arguments: object) -> Future:
        future = current_thread().process.spawn(call, *arguments)
        self._futures = [*(known for known in self._futures if not known.done()), future]
        return future

    def map(self, call: Callable[..., object], *arguments: Iterable[object], **_: object) -> Iterator[Any]:
        """Run all calls at once, and return their results in order."""
        futures = [self._submit(call, *each) for each in zip(*arguments, strict=False)]
        return (future.result() for future in futures)

    def shutdown(self, **_: object) -> None:
        """Wait for all calls."""
        for future in self._futures:
            future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
