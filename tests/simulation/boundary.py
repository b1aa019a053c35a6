"""The agent's boundary: the only module of the simulation that knows the agent's code.

The agent runs as cli.build() makes it. What it calls of other packages is replaced: pymysql.connect, requests.get, the
Kubernetes client's classes, the clock, threads and random UUIDs.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, tzinfo
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import kubernetes
import pymysql
import requests
import structlog

from efishery_mysql_agent.cli import build
from efishery_mysql_agent.server import StatusPublisher, application
from efishery_mysql_agent.settings import AgentSettings
from tests.simulation.kernel import Executor, current_thread
from tests.simulation.kubernetes_api import CLIENTS, Client
from tests.simulation.network import Traffic
from tests.simulation.sql import Connection

if TYPE_CHECKING:
    from tests.simulation.world import Pod, World

PACKAGE = "efishery_mysql_agent"
HTTP_TIMEOUT_SECONDS = 2
UPTIME_SECONDS = 1000  # of the nodes, when the simulation begins
Application = Callable[..., Any]


class AgentFailed(BaseException):
    """The agent reported an exception that it does not expect."""


class _Current:
    world: World


def run_agent(world: World, pod: Pod) -> None:
    """Run the agent of a pod until its process ends."""
    settings = AgentSettings(
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
    pod.application = application(publisher).wsgi_app
    agent.run()


def status(pod: Pod) -> dict[str, Any]:
    """What the agent's port answers."""
    if pod.application is None:
        raise requests.ConnectionError("no agent")
    environment = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/status",
        "SERVER_NAME": pod.name,
        "SERVER_PORT": "9091",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
    }
    body: dict[str, Any] = json.loads(b"".join(pod.application(environment, lambda *_: None)))
    return body


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
    if not pod.agent or not pod.agent.alive:
        raise requests.ConnectionError("refused")
    return _Answer(status(pod))


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
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return _Current.world.wall_clock(current_thread().process.name).astimezone(tz)


def _uuid() -> UUID:
    return _Current.world.uuid()


def _report(_logger: object, method: str, event: dict[str, Any]) -> dict[str, Any]:
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
    replaced = {time: _Time, datetime: _Datetime, ThreadPoolExecutor: Executor, uuid4: _uuid}
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGE):
            for key, value in list(vars(module).items()):
                if getattr(value, "__hash__", None) and value in replaced:
                    setattr(module, key, replaced[value])
    pymysql.connect = lambda **options: Connection(_Current.world, **options)  # type: ignore[assignment]
    requests.get = _get  # type: ignore[assignment]
    kubernetes.config.load_incluster_config = lambda **_: None
    kubernetes.client.ApiClient = lambda *_: None
    for client in CLIENTS:
        setattr(kubernetes.client, client, lambda *_: Client(_Current.world))
    structlog.configure(processors=[_report], cache_logger_on_first_use=False)


def enter(world: World) -> None:
    """Let the agents run in this world."""
    _Current.world = world
    for key in ("root-password", "password", "replication-password"):
        (world.folder / key).write_text(f"the {key}")
