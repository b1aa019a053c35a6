"""The system of `make run`, on free ports and with a state of its own."""

import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.load.rate_limit import copy_for_one_address

START_SECONDS = 60
STOP_SECONDS = 20


@dataclass
class RunningSystem:
    """A launcher that was started as `make run` does, and what it prints."""

    folder: Path
    port: int
    launcher: subprocess.Popen[bytes]

    @classmethod
    def start(cls, folder: Path, *arguments: str, port: int | None = None) -> "RunningSystem":
        """Start the launcher with its state and its output in `folder`."""
        chosen = port or free_port()
        command = [sys.executable, "-m", "efishery_run", "--state-dir", str(folder / "state"), "--port", str(chosen)]
        with (folder / "output").open("wb") as output:
            launcher = subprocess.Popen([*command, *arguments], stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        return cls(folder, chosen, launcher)

    @property
    def url(self) -> str:
        """The gateway."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def printed(self) -> str:
        """The output of the launcher so far."""
        return (self.folder / "output").read_text()

    def find(self, pattern: str) -> str:
        """The first group of `pattern` in the output."""
        found = re.search(pattern, self.printed)
        assert found is not None, self.printed
        return found[1]

    def wait_until_up(self) -> None:
        """Wait until the launcher prints that the system is up."""
        deadline = time.monotonic() + START_SECONDS
        while "eFishery is up" not in self.printed:
            assert self.launcher.poll() is None, self.printed
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.1)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self.launcher.send_signal(number)
        return self.launcher.wait(STOP_SECONDS)

    def login(self, phone: str, password: str) -> str:
        """Return the access token of a user."""
        answer = requests.post(f"{self.url}/auth/login", json={"phone": phone, "password": password}, timeout=10)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["data"]["access_token"]
        return token


Start = Callable[..., RunningSystem]


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """The system that all tests share; SIGINT must end it with exit code 0 and leave no process."""
    folder = tmp_path_factory.mktemp("system")
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # test_limits.py has 1,500 connections; Envoy inherits this
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    # All tests have one address; test_rate_limit.py has the limit of one.
    system = RunningSystem.start(folder, "--istio", str(copy_for_one_address(folder)))
    try:
        system.wait_until_up()
        yield system
        children = descendants(system.launcher.pid)
        assert len(children) >= 6
        assert system.end(signal.SIGINT) == 0, system.printed
        assert [pid for pid in children if is_alive(pid)] == []
    finally:
        system.launcher.kill()  # its children end with it
        system.launcher.wait()


@pytest.fixture(scope="session")
def admin_token(system: RunningSystem) -> str:
    """The token of the admin that the system printed."""
    return system.login(system.find(r"phone (\+\d+)"), system.find(r"password (\S+)"))


@pytest.fixture(scope="session")
def user_token(system: RunningSystem) -> str:
    """The token of a user that registered."""
    user = {"name": "Siti", "phone": "0812 3456-7890", "role": "user"}
    answer = requests.post(f"{system.url}/auth/register", json=user, timeout=10)
    assert answer.status_code == 201, answer.text
    return system.login("+6281234567890", answer.json()["data"]["password"])


def free_port() -> int:
    """A port without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def descendants(pid: int) -> list[int]:
    """The child processes of `pid` and their descendants (proc(5))."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in map(int, listed) for each in (child, *descendants(child))]


def is_alive(pid: int) -> bool:
    """Whether the process still runs; a zombie does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
