"""Many seeds and the schedules of known defects hold the invariants; a seed is repeatable."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.__main__ import VIOLATED
from tests.simulation.scenarios import SCENARIOS

SEEDS = 2000  # a minute on two CPUs
pytestmark = pytest.mark.timeout(900)  # on a busy machine


def simulate(repository: Path, *arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run the program; it replaces the clock of its process, so it gets one of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, VIOLATED):
        raise RuntimeError(done.stderr)
    return done


def test_the_invariants_hold(repository: Path) -> None:
    done = simulate(repository, "--seeds", str(SEEDS))
    assert done.returncode == 0, f"replay one with: python -m tests.simulation --seed N\n{done.stdout}"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenarios_hold(repository: Path, scenario: str) -> None:
    done = simulate(repository, "--scenario", scenario)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_seed_is_one_run(repository: Path) -> None:
    first, second = (simulate(repository, "--seed", "3", hash_seed=hash_seed).stdout for hash_seed in ("0", "7"))
    assert first == second
    assert "all faults end" in first
