"""The launcher: what it prints works, and it says what is wrong."""

import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from efishery_run.welcome import PASTE
from tests.system.running import RunningSystem, descendants, is_alive

Start = Callable[..., RunningSystem]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts launchers of this test's own."""
    started: list[RunningSystem] = []

    def start_one(*arguments: str, port: int | None = None, folder: Path = tmp_path) -> RunningSystem:
        started.append(RunningSystem.start(folder, *arguments, port=port))
        return started[-1]

    yield start_one
    for system in started:
        system.launcher.kill()
        system.launcher.wait()


def test_the_printed_sequence_works_as_printed(system: RunningSystem) -> None:
    sequence = system.printed.split(PASTE)[1].strip()
    shell = subprocess.run(["bash", "-c", sequence], capture_output=True, text=True, check=False, timeout=60)
    assert shell.stderr == ""
    resource, aggregate = shell.stdout.splitlines()
    assert '"price_usd"' in resource
    assert '"median"' in aggregate


def test_the_printed_addresses_of_metrics_work(system: RunningSystem) -> None:
    port = system.find(r"auth :(\d+)")
    assert "python_info" in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text


def test_secrets_in_the_state_are_for_their_owner_alone(system: RunningSystem) -> None:
    state = system.folder / "state"
    modes = {name: stat.S_IMODE((state / name).stat().st_mode) for name in ("signing-key.pem", "admin-password")}
    assert set(modes.values()) == {0o600}


def test_no_secret_is_in_the_logs(system: RunningSystem, admin_token: str) -> None:
    password = system.find(r"password (\S+)")
    logs = [path.read_text() for path in (system.folder / "state" / "logs").iterdir()]
    assert len(logs) >= 8
    assert not any(password in log or admin_token in log for log in logs)


def test_a_taken_port_is_told_in_one_line(system: RunningSystem, start: Start) -> None:
    second = start(port=system.port)
    assert second.launcher.wait(20) == 1
    assert second.printed.startswith(f"run: port {system.port} is taken")
    assert len(second.printed.splitlines()) == 1


def test_a_state_in_use_is_told_in_one_line(system: RunningSystem, start: Start) -> None:
    second = start("--state-dir", str(system.folder / "state"))
    assert second.launcher.wait(20) == 1
    assert "is in use by another run" in second.printed
    assert len(second.printed.splitlines()) == 1


@pytest.mark.timeout(240)  # two starts, on a machine that may be busy
def test_it_runs_without_redis_server_keeps_its_data_and_tells_of_a_dead_child(start: Start) -> None:
    first = start("--redis", "stand-in")
    first.wait_until_up()
    admin = (first.find(r"phone (\+\d+)"), first.find(r"password (\S+)"))
    token = first.login(*admin)
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{first.url}/fetch/resource", headers=headers, timeout=20).status_code == 200
    assert first.end(signal.SIGTERM) == 0
    second = start("--redis", "stand-in")
    second.wait_until_up()
    # The same key, database and password: what was registered and signed before the restart still counts.
    assert requests.get(f"{second.url}/auth/claims", headers=headers, timeout=10).status_code == 200
    second.login(*admin)
    expect_death_to_be_told(second)


def expect_death_to_be_told(system: RunningSystem) -> None:
    children = descendants(system.launcher.pid)
    gateway = next(pid for pid in children if b"envoy" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(gateway, signal.SIGKILL)
    assert system.launcher.wait(20) == 1
    assert "run: gateway was ended by SIGKILL; its last lines" in system.printed
    assert [pid for pid in children if is_alive(pid)] == []


def test_it_can_be_stopped_while_it_starts(start: Start) -> None:
    system = start()
    children: list[int] = []
    deadline = time.monotonic() + 20
    while len(children) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
        children = descendants(system.launcher.pid)
    assert system.end(signal.SIGTERM) == 0
    assert [pid for pid in children if is_alive(pid)] == []
