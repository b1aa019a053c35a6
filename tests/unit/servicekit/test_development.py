"""The reloader of the pods that skaffold copies changed files into."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from servicekit import development

PROGRAM = "import sample_package, time; print(sample_package.ANSWER, flush=True); time.sleep(60)"
SUPERVISE = f"""
import sys
from pathlib import Path
from servicekit import development
development.SOURCES = Path(sys.argv.pop(1))
development.main(["sample_package", sys.executable, "-c", {PROGRAM!r}])
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A package as it is installed: not the copy that is served."""
    package = tmp_path / "installed/sample_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("ANSWER = 'one'")
    return package


@pytest.fixture
def running(installed: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    path = os.pathsep.join([str(installed.parent), *sys.path])
    command = [sys.executable, "-c", SUPERVISE, str(tmp_path / "src")]
    with subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield process
        process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.timeout(60)
def test_a_changed_file_starts_the_program_again_with_it(
    running: subprocess.Popen[str], installed: Path, tmp_path: Path
) -> None:
    assert line(running) == "one"
    copy = tmp_path / "src/sample_package/__init__.py"
    copy.write_text("ANSWER = 'second'")
    assert line(running) == "second"
    assert (installed / "__init__.py").read_text() == "ANSWER = 'one'"


@pytest.mark.timeout(60)
def test_a_program_that_ended_starts_again_at_the_next_change(running: subprocess.Popen[str], tmp_path: Path) -> None:
    assert line(running) == "one"
    copy = tmp_path / "src/sample_package/__init__.py"
    copy.write_text("ANSWER = ")
    copy.write_text("ANSWER = 'mended'")
    assert line(running) == "mended"


@pytest.mark.timeout(60)
def test_sigterm_ends_both(running: subprocess.Popen[str]) -> None:
    assert line(running) == "one"
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 0
    assert line(running) == "", "the program has ended too: nobody holds the pipe"


def test_a_copy_that_exists_is_kept(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(installed.parent))
    target = tmp_path / "src"
    development.copy_package("sample_package", target)
    changed = target / "sample_package/__init__.py"
    changed.write_text("ANSWER = 'changed'")
    development.copy_package("sample_package", target)
    assert changed.read_text() == "ANSWER = 'changed'"


def test_an_unknown_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no package nothing_like_it"):
        development.copy_package("nothing_like_it", tmp_path)
