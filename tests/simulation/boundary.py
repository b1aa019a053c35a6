"""The agent's boundary: the only module of the simulation that knows the agent's code.

The agent runs as cli.build() makes it. What it calls of other packages is replaced: pymysql.connect, requests.get, the
Kubernetes client's classes, the clock, threads and random UUIDs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import kubernetes
import pymysql
import requests
import structlog
from prometheus_client.metrics import MetricWrapperBase

from efishery_mysql_agent.cli import build
from efishery_mysql_agent.server import StatusPublisher, describe
from efishery_mysql_agent.settings import AgentSettings
from tests.simulation import pool
from tests.simulation.kernel import current_thread
from tests.simulation.kubernetes_api import CLIENTS, Client
from tests.simulation.network import Traffic
from tests.simulation.sql import Connection

if TYPE_CHECKING:
    from tests.simulation.kubelet import Pod
    from tests.simulation.world import World

PACKAGE = "efishery_mysql_agent"
HTTP_TIMEOUT_SECONDS = 2
UPTIME_SECONDS = 1000  # of the nodes, when the simulation begins


class AgentFailed(BaseException):
    """The agent reported an exception that it does not expect."""


class _Current:
    world: World


def run_agent(world: World, pod: Pod) -> None:
    """Run the agent of a pod until its process ends."""
    settings = AgentSettings.model_construct(  # without validation, which takes longer than the rest of a start
        pod=pod.name,
        namespace="db",
        socket=pod.run_dir / "mysqld.sock",
        run_dir=pod.run_dir,
        state_dir=pod.volume.folder,
        secret_dir=world.folder,
        tls_dir=world.folder,
        interval_seconds=world.interval,
    )
    publisher = StatusPublisher(pod.name)
    agent = build(settings, publisher)
    pod.port = Port(publisher)
    agent.run()


class Port:
    """The agent's port: answers /status, computed once for each round of the loop."""

    def __init__(self, publisher: StatusPublisher) -> None:
        self._publisher = publisher
        self._answered: tuple[object, dict[str, Any]] = (None, {})

    def status(self) -> dict[str, Any]:
        """Answer /status."""
        snapshot = self._publisher.snapshot
        if self._answered[0] is not snapshot:
            self._answered = snapshot, describe(self._publisher)
        return {**self._answered[1], "age_seconds": snapshot.age}


class _Answer:
    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body

    def json(self) -> dict[str, Any]:
        return self._body


def _get(url: str, **_: object) -> _Answer:
    world, caller = _Current.world, current_thread().process.name
    name = url.removeprefix("http://").partition(".")[0]
    if not world.api.labels(name):
        raise requests.ConnectionError("no such host")
    pod = world.pods[name]
    world.kernel.sleep(world.kernel.between(0.002, 0.05))
    if not pod.up or not world.network.connects(Traffic.HTTP, caller, name) or (pod.agent and pod.agent.stopped):
        world.kernel.sleep(HTTP_TIMEOUT_SECONDS)
        raise requests.ReadTimeout("timed out")
    if not pod.agent or not pod.agent.alive or not pod.port:
        raise requests.ConnectionError("refused")
    return _Answer(pod.port.status())


class _Time:
    """In place of the module `time`."""

    @staticmethod
    def monotonic() -> float:
        return UPTIME_SECONDS + _Current.world.kernel.now

    @staticmethod
    def time() -> float:
        return _Current.world.wall_clock(current_thread().process.name).timestamp()

    @staticmethod
    def sleep(seconds: float) -> None:
        _Current.world.kernel.sleep(seconds)


class _Datetime(datetime):
    """In place of datetime.datetime."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a datetime, not one of this class
        return _Current.world.wall_clock(current_thread().process.name).astimezone(tz)


class _NoMetric:
    """In place of a metric: labels are slow, and nobody reads them here."""

    def labels(self, *_: object) -> _NoMetric:
        return self

    def _ignore(self, *_: object) -> None: ...

    set = set_function = set_to_current_time = inc = clear = _ignore


def _uuid() -> UUID:
    return _Current.world.uuid()


def _report(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Log what the agent logs; an exception that it did not expect is a failure of the run."""
    if event.get("exc_info") or method in ("exception", "critical"):
        error = sys.exc_info()[1]
        raise AgentFailed(f"{event.get('event')}: {type(error).__name__}: {error}") from error
    if LOGS:
        text = " ".join(f"{key}={value}" for key, value in event.items() if key != "event")
        _Current.world.log(current_thread().process.name, f"agent: {event.get('event')} {text}")
    raise structlog.DropEvent


LOGS: list[bool] = []


def install(*, logs: bool) -> None:
    """Replace what the agent's modules use; for the rest of this process."""
    if logs:
        LOGS.append(True)
    replaced = {time: _Time, datetime: _Datetime, ThreadPoolExecutor: pool.Executor, wait: pool.wait, uuid4: _uuid}
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGE):
            for key, value in list(vars(module).items()):
                if isinstance(value, MetricWrapperBase):
                    setattr(module, key, _NoMetric())
                elif getattr(value, "__hash__", None) and value in replaced:
                    setattr(module, key, replaced[value])
    pymysql.connect = lambda **options: Connection(_Current.world, **options)  # type: ignore[assignment]  # in place of a class
    requests.get = _get  # type: ignore[assignment]  # fewer parameters
    kubernetes.config.load_incluster_config = lambda **_: None
    setattr(kubernetes.client, "ApiClient", lambda *_: None)  # noqa: B010 -- a class, for mypy
    for client in CLIENTS:
        setattr(kubernetes.client, client, lambda *_: Client(_Current.world))
    structlog.configure(processors=[_report], cache_logger_on_first_use=False)


def enter(world: World) -> None:
    """Let the agents run in this world."""
    _Current.world = world
    for key in ("root-password", "password", "replication-password"):
        (world.folder / key).write_text(f"the {key}")
    for name in ("ca.crt", "tls.crt"):
        (world.folder / name).write_text("a certificate")
