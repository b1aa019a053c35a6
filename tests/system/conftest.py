"""Launchers and fetch processes for tests that need separate ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.fetch_process import redis_url, start_fetch, user
from tests.system.running import RunningSystem, Start

__all__ = ["redis_url", "start_fetch", "user"]


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
