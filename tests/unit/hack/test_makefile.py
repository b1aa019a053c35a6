"""The Makefile: what a target does, and what it spares."""

import subprocess
from pathlib import Path

import pytest


def steps(repository: Path, *arguments: str) -> str:
    """What make would do."""
    done = subprocess.run(["make", "--dry-run", *arguments], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout


def test_test_does_everything(repository: Path) -> None:
    everything = steps(repository, "test")
    for step in ("ruff check", "ruff format --check", "mypy", "hack/shellcheck", "hack/install-chromium", "pytest"):
        assert step in everything


@pytest.mark.parametrize("arguments", [["up"], ["e2e"], ["setup"], ["check", "ARGS=tests/unit/fetch"]])
def test_what_needs_no_browser_installs_none_and_does_not_lint(repository: Path, arguments: list[str]) -> None:
    assert "install-chromium" not in steps(repository, *arguments)
    assert "ruff" not in steps(repository, *arguments)
