"""The launcher: what it prints works, and its errors name the cause."""

import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from efishery_run.welcome import PASTE
from tests.system.running import RunningSystem, Start, descendants, is_alive


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def test_the_printed_sequence_works_as_printed(system: RunningSystem) -> None:
    sequence = system.printed.split(PASTE)[1].strip()
    shell = subprocess.run(["bash", "-c", sequence], capture_output=True, text=True, check=False, timeout=60)
    assert shell.stderr == ""
    lines = shell.stdout.splitlines()
    assert len(lines) == 80
    assert any('"price_usd"' in line for line in lines[:40])
    assert any('"median"' in line for line in lines[40:])


def test_the_printed_addresses_of_metrics_work(system: RunningSystem) -> None:
    port = system.find(r"auth :(\d+)")
    assert "python_info" in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text


def test_only_the_owner_may_read_secrets_in_the_state(system: RunningSystem) -> None:
    state = system.folder / "state"
    names = ("signing-key.pem", "admin-password", "auth.sqlite3")
    assert {stat.S_IMODE((state / name).stat().st_mode) for name in names} == {0o600}
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_no_secret_is_in_the_logs(system: RunningSystem, admin_token: str) -> None:
    password = system.find(r"password (\S+)")
    logs = [path.read_text() for path in (system.folder / "state" / "logs").iterdir()]
    assert len(logs) >= 8
    assert not any(password in log or admin_token in log for log in logs)


def test_no_query_is_in_the_logs(system: RunningSystem) -> None:
    answer = requests.get(f"{system.url}/ping?access_token=from-a-query", timeout=10)
    logs = system.folder / "state" / "logs"
    wait_for(lambda: answer.headers["X-Request-ID"] in (logs / "gateway.log").read_text())
    assert not any("from-a-query" in path.read_text() for path in logs.iterdir())


def test_a_taken_port_is_reported_in_one_line_and_changes_nothing(
    system: RunningSystem, start: Start, tmp_path: Path
) -> None:
    log = tmp_path / "state" / "logs" / "auth.log"
    log.parent.mkdir(parents=True)
    log.write_text("of the last run")
    second = start(port=system.port)
    assert second.launcher.wait(20) == 1
    assert second.printed.startswith(f"run: port {system.port} is taken")
    assert len(second.printed.splitlines()) == 1
    assert log.read_text() == "of the last run"
    assert not (tmp_path / "state" / "signing-key.pem").exists()


def test_a_state_in_use_is_reported_in_one_line(system: RunningSystem, start: Start) -> None:
    second = start("--state-dir", str(system.folder / "state"))
    assert second.launcher.wait(20) == 1
    assert "is in use by another run" in second.printed
    assert len(second.printed.splitlines()) == 1


@pytest.mark.timeout(240)  # two starts, on a machine that may be busy
def test_it_runs_without_redis_server_keeps_its_data_and_reports_a_dead_child(start: Start) -> None:
    first = start("--redis", "stand-in")
    first.wait_until_up()
    admin = (first.find(r"phone (\+\d+)"), first.find(r"password (\S+)"))
    token = first.login(*admin)
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{first.url}/fetch/resource", headers=headers, timeout=20).status_code == 200
    assert first.end(signal.SIGTERM) == 0
    second = start("--redis", "stand-in")
    second.wait_until_up()
    # The same key, database and password: users and tokens from before the restart are still valid.
    assert requests.get(f"{second.url}/auth/claims", headers=headers, timeout=10).status_code == 200
    second.login(*admin)
    expect_death_to_be_reported(second)


def expect_death_to_be_reported(system: RunningSystem) -> None:
    children = descendants(system.launcher.pid)
    gateway = next(pid for pid in children if b"envoy" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(gateway, signal.SIGKILL)
    assert system.launcher.wait(20) == 1
    assert "run: gateway was ended by SIGKILL; its last lines" in system.printed
    assert [pid for pid in children if is_alive(pid)] == []


def test_it_can_be_stopped_while_it_starts(start: Start) -> None:
    system = start()
    wait_for(lambda: len(descendants(system.launcher.pid)) >= 3)
    children = descendants(system.launcher.pid)
    assert system.end(signal.SIGTERM) == 0
    assert [pid for pid in children if is_alive(pid)] == []
