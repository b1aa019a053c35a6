"""Launchers for tests that need a separate one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.running import RunningSystem, Start


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts separate launchers for this test."""
    started: list[RunningSystem] = []

    def start_one(*arguments: str, port: int | None = None, folder: Path = tmp_path) -> RunningSystem:
        started.append(RunningSystem.start(folder, *arguments, port=port))
        return started[-1]

    yield start_one
    for system in started:
        system.launcher.kill()
        system.launcher.wait()
