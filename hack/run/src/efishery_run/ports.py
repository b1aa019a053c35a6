"""The ports of a run: the caller chooses the gateway's, all others are free ports of the loopback interface."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from efishery_run.errors import LaunchError

HOST: Final = "127.0.0.1"
HTTP_SERVICES: Final = ("auth", "fetch", "docs", "sample")


@dataclass(frozen=True)
class Ports:
    """A TCP port for everything that listens; `http` and `management` by the service's name."""

    gateway: int
    redis: int
    http: Mapping[str, int]
    management: Mapping[str, int]


def choose(gateway: int) -> Ports:
    """Choose the ports of a run behind a `gateway`; raises LaunchError when that one is taken."""
    _check_free(gateway)
    count = len(HTTP_SERVICES)
    redis, *rest = free_ports(1 + 2 * count)
    http = dict(zip(HTTP_SERVICES, rest[:count], strict=True))
    management = dict(zip(HTTP_SERVICES, rest[count:], strict=True))
    return Ports(gateway, redis, http, management)


def _check_free(port: int) -> None:
    with _socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError as error:
            (free,) = free_ports(1)
            reason = f"port {port} is taken or not allowed ({error.strerror})"
            remedy = f'stop what listens there, or choose another: make run ARGS="--port {free}"'
            raise LaunchError(f"{reason}: {remedy}") from error


def free_ports(count: int) -> list[int]:
    """Return different ports of the loopback interface that nothing listens on."""
    # Keep all open until the last is found: the kernel could return a port twice otherwise.
    probes = [_socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _socket() -> socket.socket:
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As servers do: ports in TIME_WAIT are free, ports with a listener are not.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return probe
