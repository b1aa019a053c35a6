"""Virtual time: threads that block in it run one at a time, in an order that depends on the seed alone.

The agent's code blocks as it does in production, each of its threads as a greenlet. No operating system thread, no sleep.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count
from random import Random
from typing import Any, Self

from greenlet import GreenletExit, getcurrent, greenlet


UNREAD_SECONDS = 60


class Kernel:
    """The clock, the queue of events, and the only source of random numbers."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.random = Random(seed)
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._count = count()
        self.hub = getcurrent()

    def after(self, seconds: float, call: Callable[[], object]) -> None:
        """Run `call` at a later time; it must not block."""
        heapq.heappush(self._queue, (self.now + seconds, next(self._count), call))

    def between(self, low: float, high: float) -> float:
        """A random number of seconds."""
        return self.random.uniform(low, high)

    def run(self, seconds: float) -> None:
        """Run all events of the next `seconds`."""
        until = self.now + seconds
        while self._queue and self._queue[0][0] <= until:
            self.now, _, call = heapq.heappop(self._queue)
            call()
        self.now = until

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        self.after(seconds, current_thread().waker())
        self.block()

    def block(self) -> None:
        """Block the calling thread until something resumes it."""
        if not current_thread().process.alive:
            raise GreenletExit
        self.hub.switch()


class Process:
    """A process of the operating system: it can be stopped (SIGSTOP), continued and killed with all its threads."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self.kernel, self.name = kernel, name
        self.alive = True
        self.stopped = False
        self.threads: dict[Thread, None] = {}
        self._held: list[Callable[[], None]] = []

    @property
    def running(self) -> bool:
        """Whether its threads run."""
        return self.alive and not self.stopped

    def spawn(self, call: Callable[..., object], *arguments: object) -> Future:
        """Run `call` in a new thread."""
        future = Future(self.kernel)
        thread = Thread(self, future, call, arguments)
        self.threads[thread] = None
        self.kernel.after(0, thread.waker())
        return future

    def stop(self) -> None:
        """As by SIGSTOP."""
        self.stopped = True

    def continue_(self) -> None:
        """As by SIGCONT."""
        self.stopped = False
        held, self._held = self._held, []
        for wake in held:
            self.kernel.after(0, wake)

    def hold(self, wake: Callable[[], None]) -> None:
        """Keep what is due until the process continues."""
        self._held.append(wake)

    def kill(self) -> None:
        """As by SIGKILL: from now on no thread of it does anything."""
        self.alive = False
        self.kernel.after(0, self._unwind)

    def _unwind(self) -> None:
        for thread in list(self.threads):
            thread.throw(GreenletExit)
        self.threads.clear()


class Thread(greenlet):
    """A thread of a process."""

    def __init__(self, process: Process, future: Future, call: Callable[..., object], arguments: tuple[object, ...]):
        super().__init__(self._main, process.kernel.hub)  # which goes on when it ends
        self.process, self._future, self._call, self._arguments = process, future, call, arguments
        self._block = 0

    def _main(self) -> None:
        try:
            value, error = self._call(*self._arguments), None
        except Exception as caught:  # noqa: BLE001 -- whoever waits for the result gets it
            value, error = None, caught
        self.process.threads.pop(self, None)
        self._future.finish(value, error)

    def waker(self) -> Callable[[], None]:
        """Return what ends the coming block of this thread, and no later one."""
        return partial(self._wake, self._block)

    def _wake(self, block: int) -> None:
        if block != self._block or not self.process.alive or self.dead:
            return
        if self.process.stopped:
            self.process.hold(partial(self._wake, block))
        else:
            self._block += 1
            self.switch()


class UnreadError(BaseException):
    """A thread ended by an exception that nobody asked for."""


class Future:
    """The result of a thread, with the methods of concurrent.futures.Future that the agent uses."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._finished = False
        self._value: object = None
        self._error: Exception | None = None
        self._waiting: list[Callable[[], None]] = []
        self.must_be_read = self._read = False

    def finish(self, value: object, error: Exception | None) -> None:
        """Set the result and resume who waits."""
        self._finished, self._value, self._error = True, value, error
        if error and self.must_be_read:
            self.kernel.after(UNREAD_SECONDS, self._check_read)
        for wake in self._waiting:
            self.kernel.after(0, wake)

    def _check_read(self) -> None:
        if not self._read:
            raise UnreadError from self._error

    def done(self) -> bool:
        """Whether there is a result."""
        return self._finished

    def exception(self) -> Exception | None:
        """The exception of a finished thread."""
        self._read = True
        return self._error

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the result."""
        self.wait(timeout)
        self._read = True
        if not self._finished:
            raise TimeoutError
        if self._error:
            raise self._error
        return self._value

    def wait(self, timeout: float | None) -> None:
        """Wait until there is a result."""
        if not self._finished:
            if timeout is not None:
                self.kernel.after(timeout, current_thread().waker())
            self._waiting.append(current_thread().waker())
            self.kernel.block()


def wait(futures: Iterable[Future], timeout: float | None = None) -> None:
    """In place of concurrent.futures.wait."""
    futures = list(futures)
    until = futures[0].kernel.now + timeout if futures and timeout is not None else None
    for future in futures:
        future.wait(max(0.0, until - future.kernel.now) if until is not None else None)


class Executor:
    """In place of ThreadPoolExecutor; it has as many workers as there are calls."""

    def __init__(self, max_workers: int | None = None, thread_name_prefix: str = "") -> None:
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


def current_thread() -> Thread:
    """The thread that runs now."""
    thread = getcurrent()
    if not isinstance(thread, Thread):
        raise TypeError("only a thread of a process can block")
    return thread
