"""Children: started, watched, stopped."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from efishery_run import supervisor as module
from efishery_run.errors import Interrupted, LaunchError
from efishery_run.supervisor import Process, Supervisor

FOREVER = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path) as supervisor:
        yield supervisor


def python(name: str, code: str) -> Process:
    return Process(name, (sys.executable, "-c", code))


def wait_for_text(path: Path) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.02)
    raise AssertionError(f"nothing came in {path}")


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_process_that_ends_well_is_no_error(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.run(python("hello", "print('hello')"), timeout_seconds=10)
    assert (tmp_path / "hello.log").read_text() == "hello\n"


def test_a_process_that_fails_is_told_with_its_last_lines(supervisor: Supervisor) -> None:
    with pytest.raises(
        LaunchError, match=r"migrate ended with exit code 3; its last lines, .*migrate.log:\n    no table"
    ):
        supervisor.run(python("migrate", "print('no table'); raise SystemExit(3)"), timeout_seconds=10)


def test_a_process_that_hangs_is_ended(supervisor: Supervisor) -> None:
    with pytest.raises(LaunchError, match=r"hang was not ready within 0.3 s"):
        supervisor.run(python("hang", FOREVER), timeout_seconds=0.3)
    supervisor.check()


def test_a_process_can_run_beside_another_until_it_ends(supervisor: Supervisor, tmp_path: Path) -> None:
    beside = python("beside", "import time; time.sleep(0.5); print('done')")
    supervisor.start(beside)
    supervisor.run(python("hello", "print('hello')"), timeout_seconds=10)
    supervisor.wait(beside, timeout_seconds=10)
    supervisor.check()
    assert (tmp_path / "beside.log").read_text() == "done\n"


def test_a_dead_child_is_told_even_while_another_runs(supervisor: Supervisor) -> None:
    supervisor.start(python("auth", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    with pytest.raises(LaunchError, match="auth was ended by SIGKILL"):
        supervisor.run(python("other", FOREVER), timeout_seconds=10)


def test_a_child_that_is_never_ready_is_told(supervisor: Supervisor) -> None:
    supervisor.start(Process("deaf", (sys.executable, "-c", FOREVER), is_ready=lambda: False))
    with pytest.raises(LaunchError, match=r"deaf was not ready within 0.3 s"):
        supervisor.wait_until_ready(0.3)


def test_a_missing_program_is_told(supervisor: Supervisor) -> None:
    with pytest.raises(LaunchError, match="redis cannot start: /nowhere/redis-server: No such file"):
        supervisor.start(Process("redis", ("/nowhere/redis-server",)))


def test_stop_leaves_nothing_not_even_what_children_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.3)
    grandchild = (
        f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]).pid, flush=True)"
    )
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(python("stubborn", STUBBORN), python("parent", f"{grandchild}; {FOREVER}"))
        wait_for_text(tmp_path / "stubborn.log")
        pid = int(wait_for_text(tmp_path / "parent.log").split()[0])
        assert is_alive(pid)
    deadline = time.monotonic() + 5  # the system reaps it, not we
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(pid)


def test_a_signal_ends_what_is_running(supervisor: Supervisor) -> None:
    supervisor.interrupt(signal.SIGINT, None)
    with pytest.raises(Interrupted):
        supervisor.run(python("slow", FOREVER), timeout_seconds=10)


def test_children_see_no_proxy_for_this_machine(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "internal")
    supervisor.run(python("env", "import os; print(os.environ['no_proxy'])"), timeout_seconds=10)
    assert (tmp_path / "env.log").read_text() == "internal,127.0.0.1,localhost\n"


def test_children_end_with_a_launcher_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import sys, time, pathlib
from efishery_run.supervisor import Process, Supervisor
child = Process("child", (sys.executable, "-c", "import os, time; print(os.getpid()); time.sleep(600)"))
Supervisor(pathlib.Path({str(tmp_path)!r})).start(child)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as launcher:
        child = int(wait_for_text(tmp_path / "child.log"))
        launcher.kill()
    deadline = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(child)
