"""Programs that run beside the tests."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.cluster import wait_for

START_SECONDS, STOP_SECONDS = 30, 30


@contextmanager
def running(command: Sequence[str | Path], log: Path, is_ready: Callable[[], bool]) -> Iterator[None]:
    """Run a program from when it is ready to the end of the block; its output goes into `log`."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        return is_ready()

    try:
        wait_for(f"{command[0]} to be ready, see {log}", ready, START_SECONDS)
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
