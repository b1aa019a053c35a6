"""Results of threads in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.kernel import Kernel

UNREAD_SECONDS = 60


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
                self.kernel.after(timeout, self.kernel.waker())
            self._waiting.append(self.kernel.waker())
            self.kernel.block()
