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
    """A program to run: the name of its log, its command line and its additional environment variables."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], bool] = lambda: True


class Supervisor:
    """The child processes of this run; as a context manager it stops them at the end."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[Process, subprocess.Popen[bytes]] = {}
        self._interrupted = False

    def interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """Handle a signal: the next check ends the run.

        An exception here could come between the start of a child and its entry in the list.
        """
        self._interrupted = True

    def start(self, *processes: Process) -> None:
        """Start processes that run as long as this one; raises LaunchError."""
        for process in processes:
            self._children[process] = self._spawn(process)

    def run(self, process: Process, timeout_seconds: float) -> None:
        """Run a process to its end; raises LaunchError when it fails, times out or another ends, and Interrupted."""
        self.start(process)
        self.wait(process, timeout_seconds)

    def wait(self, process: Process, timeout_seconds: float) -> None:
        """Wait for the end of a process that was started; raises as `run` does."""
        deadline = time.monotonic() + timeout_seconds
        child = self._children[process]
        try:
            while child.poll() is None:
                self._wait_a_little(process, deadline, timeout_seconds, but=process)
        finally:
            _end(child, at=time.monotonic())
            del self._children[process]
        if child.returncode != 0:
            raise self._death(process, child.returncode)

    def wait_until_ready(self, timeout_seconds: float) -> None:
        """Wait until all children are ready; raises LaunchError when one ends or times out, and Interrupted."""
        deadline = time.monotonic() + timeout_seconds
        for process in self._children:
            while not process.is_ready():
                self._wait_a_little(process, deadline, timeout_seconds)

    def check(self, but: Process | None = None) -> None:
        """Raise LaunchError when a child has ended, and Interrupted after a signal."""
        if self._interrupted:
            raise Interrupted
        for process, child in self._children.items():
            if process is not but and child.poll() is not None:
                raise self._death(process, child.returncode)

    def stop(self) -> None:
        """End all children and their descendants: SIGTERM, and SIGKILL after eight seconds."""
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
                    start_new_session=True,  # Ctrl-C reaches only this process; a child and its children are one group
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
    """The caller's environment and the process's own variables, without a proxy for this machine."""
    environment = {**os.environ, **process.environment, "PYTHONUNBUFFERED": "1"}
    # It would make each process compile all packages at each start, which takes seconds.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in ("no_proxy", "NO_PROXY"):
        environment[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))
    return environment


def _end_with_parent() -> None:
    """Ask Linux to end this child when the launcher ends, also by SIGKILL."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(child: subprocess.Popen[bytes], at: float) -> None:
    """Wait for a child until `at` (monotonic clock), then kill what is left of its group."""
    with suppress(subprocess.TimeoutExpired):
        child.wait(max(0.0, at - time.monotonic()))
    _signal_group(child, signal.SIGKILL)
    child.wait()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # the group has ended
        os.killpg(child.pid, number)
