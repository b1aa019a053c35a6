"""The command: starts the system, says where it is, and stops it on Ctrl-C or SIGTERM."""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final, NoReturn, get_args

from efishery_gateway.addresses import Address
from efishery_gateway.configuration import configuration
from efishery_gateway.errors import GatewayError
from efishery_run import ports
from efishery_run.errors import Interrupted, LaunchError
from efishery_run.services import RedisKind, Services
from efishery_run.state import State, held
from efishery_run.supervisor import Supervisor
from efishery_run.welcome import welcome

REPOSITORY: Final = Path(__file__).resolve().parents[4]
ISTIO: Final = REPOSITORY / "k8s" / "istio" / "base"
READY_SECONDS: Final = 45.0
RATE_EVERY_SECONDS: Final = 300.0
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped; answers 0 then, and 1 when the system could not start or go on."""
    options = _parser().parse_args(arguments)
    os.umask(0o077)  # only the owner may read database, keys and logs
    state = State(options.state_dir.resolve())
    supervisor = Supervisor(state.logs)
    for number in STOP_SIGNALS:
        signal.signal(number, supervisor.interrupt)
    try:
        with held(state), supervisor:
            _serve(options, state, supervisor)
    except Interrupted:
        print("stopped", flush=True)
        return 0
    except (LaunchError, GatewayError) as error:
        print(f"run: {error}", file=sys.stderr, flush=True)
        return 1


def _serve(options: argparse.Namespace, state: State, supervisor: Supervisor) -> NoReturn:
    began = time.monotonic()
    services = Services(ports.choose(options.port), state)
    state.prepare()  # after the port check: a run that cannot start keeps the logs of the last one
    _start(services, supervisor, options)
    print(welcome(services, time.monotonic() - began), flush=True)
    _watch(services, supervisor)


def _start(services: Services, supervisor: Supervisor, options: argparse.Namespace) -> None:
    """Start the processes in the order of their dependencies; the first rate needs Redis and the sample."""
    addresses = {name: Address(ports.HOST, port) for name, port in services.ports.http.items()}
    config = configuration(options.istio, Address(ports.HOST, services.ports.gateway), addresses)
    services.state.gateway_config.write_text(json.dumps(config, indent=1))
    redis = services.redis(options.redis)
    supervisor.start(services.gateway(), redis, services.sample(), services.docs(), services.fetch())
    supervisor.run(services.migrate(), READY_SECONDS)
    supervisor.start(services.auth())
    supervisor.run(services.create_admin(), READY_SECONDS)
    supervisor.wait_until_ready(READY_SECONDS)
    supervisor.run(services.rate_cron(), READY_SECONDS)


def _watch(services: Services, supervisor: Supervisor) -> NoReturn:
    """Watch the children and refresh the rate as the CronJob would; raises LaunchError when a child ends."""
    refresh_at = time.monotonic() + RATE_EVERY_SECONDS
    while True:
        supervisor.check()
        if time.monotonic() >= refresh_at:
            refresh_at += RATE_EVERY_SECONDS
            _refresh_rate(services, supervisor)
        time.sleep(0.5)


def _refresh_rate(services: Services, supervisor: Supervisor) -> None:
    try:
        supervisor.run(services.rate_cron(), READY_SECONDS)
    except LaunchError as error:
        supervisor.check()
        # As on a cluster, the old rate is served, after a while with `stale: true`.
        print(f"run: the rate was not refreshed: {error}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m efishery_run",
        description="Starts the whole system on this machine; Ctrl-C or SIGTERM stops all of it.",
        epilog='With make: make run ARGS="--port 8095". Settings of the services are taken from the environment.',
    )
    parser.add_argument("--port", type=_port, default=8080, help="the gateway's port (default: %(default)s)")
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=REPOSITORY / ".run",
        help="folder of the database, the keys and the logs (default: .run in the repository)",
    )
    parser.add_argument("--istio", type=Path, default=ISTIO, help="the gateway's manifests (default: k8s/istio/base)")
    parser.add_argument(
        "--redis",
        choices=get_args(RedisKind),
        default="auto",
        help="redis-server, or the stand-in written in Python (default: redis-server where it is installed)",
    )
    return parser


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: give a number from 1 to 65535")
    return number
