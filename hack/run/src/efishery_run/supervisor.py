"""Starts child processes, watches them, and stops them all."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from efishery_run.errors import Interrupted, LaunchError

STOP_SECONDS: Final = 8.0
POLL_SECONDS: Final = 0.1
LAST_LINES: Final = 15

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, eq=False)
class Process:
    """A program to run: a name for its log, its command line, what it adds to the environment."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] = lambda: True


class Supervisor:
    """The children of this run; use it as a context manager, which stops them at the end."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[Process, subprocess.Popen[bytes]] = {}
        self._interrupted = False

    def interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """Handle a signal: the next check ends the run.

        Raising here could hit between the start of a child and its entry in the list, and lose it.
        """
        self._interrupted = True

    def start(self, *processes: Process) -> None:
        """Start processes that are to live as long as the run; raises LaunchError."""
        for process in processes:
            self._children[process] = self._spawn(process)

    def run(self, process: Process, timeout_seconds: float) -> None:
        """Run a process to its end; raises LaunchError when it fails, is too slow, or another dies; Interrupted."""
        deadline = time.monotonic() + timeout_seconds
        child = self._children[process] = self._spawn(process)
        try:
            while child.poll() is None:
                self._wait_a_little(process, deadline, timeout_seconds, but=process)
        finally:
            _end(child, at=time.monotonic())
            del self._children[process]
        if child.returncode != 0:
            raise self._death(process, child.returncode)

    def wait_until_ready(self, timeout_seconds: float) -> None:
        """Wait for all children; raises LaunchError when one dies or is not ready in time; Interrupted."""
        deadline = time.monotonic() + timeout_seconds
        for process in self._children:
            while not process.is_ready():
                self._wait_a_little(process, deadline, timeout_seconds)

    def check(self, but: Process | None = None) -> None:
        """Raise LaunchError when a child has died, and Interrupted after a signal."""
        if self._interrupted:
            raise Interrupted
        for process, child in self._children.items():
            if process is not but and child.poll() is not None:
                raise self._death(process, child.returncode)

    def stop(self) -> None:
        """End all children and all that they started: politely, then after eight seconds by force."""
        for child in self._children.values():
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            _end(child, at=deadline)
        self._children.clear()

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _spawn(self, process: Process) -> subprocess.Popen[bytes]:
        with self._log(process).open("ab") as log:
            try:
                return subprocess.Popen(
                    process.command,
                    env=_environment(process),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for us alone, and each child's own children stay with it
                    preexec_fn=_end_with_parent,  # safe: this process has no threads
                )
            except OSError as error:
                raise LaunchError(f"{process.name} cannot start: {process.command[0]}: {error.strerror}") from error

    def _wait_a_little(self, process: Process, deadline: float, seconds: float, but: Process | None = None) -> None:
        self.check(but)
        if time.monotonic() > deadline:
            raise LaunchError(f"{process.name} was not ready within {seconds:g} s\n{self._tail(process)}")
        time.sleep(POLL_SECONDS)

    def _death(self, process: Process, code: int) -> LaunchError:
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return LaunchError(f"{process.name} {how}; its last lines, of {self._log(process)}:\n{self._tail(process)}")

    def _log(self, process: Process) -> Path:
        return self._logs / f"{process.name}.log"

    def _tail(self, process: Process) -> str:
        lines = self._log(process).read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-LAST_LINES:]) or "    (it wrote nothing)"


def _environment(process: Process) -> dict[str, str]:
    """The caller's environment with the process's own; whatever proxy there is, this machine is not behind it."""
    environment = {**os.environ, **process.environment, "PYTHONUNBUFFERED": "1"}
    # Without it each of the processes would compile all packages again at each start, seconds of work.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in ("no_proxy", "NO_PROXY"):
        environment[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))
    return environment


def _end_with_parent() -> None:
    """Ask Linux to end this child when the launcher ends in whatever way, kill -9 included."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(child: subprocess.Popen[bytes], at: float) -> None:
    """Wait for a child until `at` on the monotonic clock, then end what is left of it and its own children."""
    with suppress(subprocess.TimeoutExpired):
        child.wait(max(0.0, at - time.monotonic()))
    _signal_group(child, signal.SIGKILL)
    child.wait()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # all of it has ended
        os.killpg(child.pid, number)
