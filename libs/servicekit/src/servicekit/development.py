"""Runs a service from a writable copy of its packages, and starts it again when a file of the copy changes.

`python -m servicekit.development efishery_docs gunicorn …` is the command of the pods with the chart's value
`development.reload`: `skaffold dev` copies changed files into them, whose root file system is read-only.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

SOURCES = Path("/tmp/src")  # noqa: S108 -- skaffold.yaml names it; a volume of the pod, which outlives its containers
POLL_SECONDS = 0.3
GRACEFUL_SECONDS = "1"  # for open requests, before the service starts again

Versions = Mapping[Path, tuple[int, int]]


def copy_package(name: str, target: Path) -> None:
    """Copy an installed package into `target`, unless it is there: its files may have been changed since."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(f"servicekit.development: there is no package {name}")
    if not (target / name).exists():
        shutil.copytree(Path(found.origin).parent, target / name, ignore=shutil.ignore_patterns("__pycache__"))


def versions(folder: Path) -> Versions:
    """Return time and size of each file."""
    found = {}
    for path in folder.rglob("*"):
        try:
            status = path.stat()
        except FileNotFoundError:  # replaced at this moment
            continue
        if path.is_file() and "__pycache__" not in path.parts:
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


def run_until_changed(command: list[str], folder: Path) -> None:
    """Run a command until a file changes, also when it has ended: the next change may mend it."""
    environment = os.environ | {"PYTHONPATH": str(folder), "HTTP_GRACEFUL_SECONDS": GRACEFUL_SECONDS}
    before = versions(folder)
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 -- the command of the pod
        try:
            while versions(folder) == before:
                time.sleep(POLL_SECONDS)
        finally:
            process.terminate()


def main(arguments: list[str]) -> None:
    """Run the command in `arguments` after the name of the service's package, until SIGTERM."""
    package, *command = arguments
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for name in (package, "servicekit"):
        copy_package(name, SOURCES)
    while True:
        run_until_changed(command, SOURCES)


if __name__ == "__main__":
    main(sys.argv[1:])
