"""The machine: its cores and their use, and the facts that a figure depends on."""

import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, TypeVar

from efishery_run.errors import LaunchError

CPUINFO: Final = Path("/proc/cpuinfo")
MEMINFO: Final = Path("/proc/meminfo")
STAT: Final = Path("/proc/stat")
PACKAGES: Final = ("granian", "gunicorn", "flask", "fastapi", "uvicorn", "uvloop", "httptools", "orjson", "argon2-cffi")

T = TypeVar("T")


@dataclass(frozen=True)
class Cores:
    """The core of the measured server, and the one of everything else: load generator, Redis, upstream."""

    server: int
    load: int


def choose_cores() -> Cores:
    """Choose two of the cores that this process may use; raises LaunchError if there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise LaunchError("a benchmark needs two cores, one for the server and one for the load: only one is allowed")
    return Cores(allowed[0], allowed[1])


def move_to(core: int) -> None:
    """Keep this process, and those that it starts from now on, on one core."""
    os.sched_setaffinity(0, {core})


def pinned(core: int, command: tuple[str, ...]) -> tuple[str, ...]:
    """Return `command` on one core."""
    return ("taskset", "--cpu-list", str(core), *command)


@dataclass(frozen=True)
class Ticks:
    """Clock ticks of one core since the boot, in total and idle."""

    total: int
    idle: int


def parse_ticks(stat: str, core: int) -> Ticks:
    """Read the line of `core` in /proc/stat (proc_stat(5)); guest time is part of user time."""
    fields = next(line.split() for line in stat.splitlines() if line.startswith(f"cpu{core} "))
    ticks = [int(field) for field in fields[1:9]]
    return Ticks(sum(ticks), ticks[3] + ticks[4])


def ticks(core: int) -> Ticks:
    """Read the ticks of `core` now."""
    return parse_ticks(STAT.read_text(), core)


def busy(before: Ticks, after: Ticks) -> float:
    """Return the share of the time between two readings in which the core was not idle, 0 to 1."""
    total = after.total - before.total
    return 1 - (after.idle - before.idle) / total if total else 0.0


def busy_during(cores: Cores, work: Callable[[], T]) -> tuple[T, float, float]:
    """Do `work`; return its result and how busy the server's and the load's core were meanwhile."""
    pair = (cores.server, cores.load)
    before = [ticks(core) for core in pair]
    done = work()
    server, load = (busy(then, ticks(core)) for then, core in zip(before, pair, strict=True))
    return done, server, load


def facts() -> dict[str, str]:
    """Describe the hardware and the versions of all programs that are measured or measure."""
    memory = int(_field(MEMINFO, "MemTotal").split()[0]) / 1024**2
    return {
        "CPU": f"{_field(CPUINFO, 'model name')}, {os.cpu_count()} cores",
        "Memory": f"{memory:.0f} GiB",
        "Kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        "Python packages": ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name))),
        "Go": _first_line("go", "env", "GOVERSION").removeprefix("go"),
        "nginx": _first_line("nginx", "-v").rpartition("/")[2],
        "Redis": _first_line("redis-server", "--version").split("v=")[1].split()[0],
        "MySQL": _first_line("mysqld", "--version").split("Ver ")[1].split()[0],
        "Load generators": f"wrk {_first_line('wrk', '-v').split()[1]}, {_vegeta()}",
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _field(path: Path, name: str) -> str:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return " ".join(value.split())
    return "unknown"


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return (done.stdout + done.stderr).splitlines()[0]


def _vegeta() -> str:
    """Return its version: `go install` records it in the binary."""
    return "vegeta " + _module_version(Path(".tools/bin/vegeta"))


def _module_version(binary: Path) -> str:
    done = subprocess.run(["go", "version", "-m", binary], capture_output=True, text=True, timeout=20, check=False)
    lines = [line.split() for line in done.stdout.splitlines()]
    return next((fields[2] for fields in lines if fields[:1] == ["mod"]), "unknown")
