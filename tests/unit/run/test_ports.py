"""The choice of ports."""

import socket

import pytest

from efishery_run import ports
from efishery_run.errors import LaunchError


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ports.HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def test_all_ports_differ() -> None:
    chosen = ports.choose(free_port())
    everything = [chosen.gateway, chosen.redis, *chosen.http.values(), *chosen.management.values()]
    assert len(set(everything)) == 2 + 2 * len(ports.HTTP_SERVICES)


@pytest.mark.parametrize("host", [ports.HOST, ""], ids=["loopback", "all interfaces"])
def test_a_taken_port_is_told_with_the_remedy(host: str) -> None:
    with socket.create_server((host, 0)) as listener:
        taken = listener.getsockname()[1]
        with pytest.raises(LaunchError, match=rf'port {taken} is taken .*make run ARGS="--port \d+"'):
            ports.choose(taken)
