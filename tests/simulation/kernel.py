"""Virtual time: threads that block in it run one at a time, in an order that depends on the seed alone.

The agent's code blocks as it does in production, each of its threads as a greenlet. No operating system thread.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import partial
from itertools import count
from random import Random

from greenlet import GreenletExit, getcurrent, greenlet

from tests.simulation.futures import Future


class Kernel:
    """The clock, the queue of events, and the only source of random numbers."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.random = Random(seed)
        self._until = 0.0
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
        self._until = self.now + seconds
        while self._queue and self._queue[0][0] <= self._until:
            self.now, _, call = heapq.heappop(self._queue)
            call()
        self.now = self._until

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        thread, at = current_thread(), self.now + seconds
        if thread.process.running and at <= self._until and (not self._queue or at < self._queue[0][0]):
            self.now = at  # nothing happens until then, so that nothing else need run
            return
        self.after(seconds, thread.waker())
        self._block(thread)

    def waker(self) -> Callable[[], None]:
        """Return what ends the coming block of the calling thread, and no later one."""
        return current_thread().waker()

    def block(self) -> None:
        """Block the calling thread until a waker is called."""
        self._block(current_thread())

    def _block(self, thread: Thread) -> None:
        if not thread.process.alive:
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

    def __init__(
        self, process: Process, future: Future, call: Callable[..., object], arguments: tuple[object, ...]
    ) -> None:
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
        """Return what ends the coming block of this thread."""
        return partial(self._wake, self._block)

    def _wake(self, block: int) -> None:
        if block != self._block or not self.process.alive or self.dead:
            return
        if self.process.stopped:
            self.process.hold(partial(self._wake, block))
        else:
            self._block += 1
            self.switch()


def current_thread() -> Thread:
    """The thread that runs now."""
    thread = getcurrent()
    if not isinstance(thread, Thread):
        raise TypeError("only a thread of a process can block")
    return thread
