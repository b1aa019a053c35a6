"""What all parts of a run share: options, processes, cores, and the time limit."""

import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bench.machine import Cores
from bench.targets import SERVICE, Factory, Target, image_command
from efishery_run.errors import LaunchError
from efishery_run.ports import HOST, HTTP_SERVICES, Ports, free_ports
from efishery_run.services import Services
from efishery_run.state import State
from efishery_run.supervisor import Supervisor

READY_SECONDS: Final = 45.0


class Part(StrEnum):
    """What can be measured on its own."""

    LIST = "list"
    LOGINS = "logins"


@dataclass(frozen=True)
class Options:
    """How long and how much to measure. `rates` has the constant rate, requests a second, by the number of rows."""

    rates: dict[int, int]
    rounds: int
    seconds: float
    limit_seconds: float
    parts: tuple[Part, ...] = tuple(Part)
    unchecked: bool = False


@dataclass(frozen=True)
class Context:
    """One run. `deadline` is on the monotonic clock."""

    options: Options
    state: State
    supervisor: Supervisor
    cores: Cores
    deadline: float

    def check_time(self) -> None:
        """Raise LaunchError when the run has taken too long."""
        if time.monotonic() > self.deadline:
            raise LaunchError(f"not done within {self.options.limit_seconds:g} s: use fewer --rounds or --seconds")

    def start_service(self, services: Services, factory: Factory, rows: int) -> Target:
        """Start fetch with the command of its image, and what it needs: Redis, the upstream, a rate."""
        list_url = upstream_url(services.ports, rows)
        target = factory.service(SERVICE, services.ports, list_url, image_command())
        self.supervisor.start(services.redis("server"), services.sample())
        self.supervisor.wait_until_ready(READY_SECONDS)
        self.supervisor.run(services.rate_cron(), READY_SECONDS)
        self.supervisor.start(target.process)
        self.supervisor.wait_until_ready(READY_SECONDS)
        return target

    def truncate_logs(self) -> None:
        """Empty the access logs, which have a line for each request; they are open for appending."""
        for log in self.state.logs.glob("*.log"):
            with log.open("r+b") as file:
                file.truncate(0)


def choose_ports() -> Ports:
    """Choose free ports for all services of a run."""
    count = len(HTTP_SERVICES)
    gateway, redis, *rest = free_ports(2 + 2 * count)
    http_ports = dict(zip(HTTP_SERVICES, rest[:count], strict=True))
    return Ports(gateway, redis, http_ports, dict(zip(HTTP_SERVICES, rest[count:], strict=True)))


def upstream_url(ports: Ports, rows: int) -> str:
    """Return the URL of an upstream list with so many rows."""
    return f"http://{HOST}:{ports.http['sample']}/commodities?rows={rows}"


def say(text: str) -> None:
    """Tell the terminal how far the run is."""
    sys.stdout.write(f"==> {text}\n")
    sys.stdout.flush()
