"""Many seeds hold the invariants; the simulation itself is repeatable, and finds faults of the agent that are known."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SEEDS = 1200  # 60 s on two CPUs


def simulate(repository: Path, *arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run the program; it replaces the clock of its process, so it gets one of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.timeout(900)
def test_the_invariants_hold(repository: Path) -> None:
    done = simulate(repository, "--seeds", str(SEEDS))
    assert done.returncode == 0, (
        f"replay one with: python -m tests.simulation --seed N\n{done.stdout}\n{done.stderr[-3000:]}"
    )


def test_a_seed_is_one_run(repository: Path) -> None:
    first, second = (simulate(repository, "--seed", "3", hash_seed=hash_seed).stdout for hash_seed in ("0", "7"))
    assert first == second
    assert "all faults end" in first
