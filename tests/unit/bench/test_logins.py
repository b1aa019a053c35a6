"""Logins: what is read from auth, the loop and the chart, and the loop itself."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from argon2 import PasswordHasher

from bench.logins import CONNECTIONS, FLOOD_CONNECTIONS, SETTINGS, WORKERS, parse_verifications, unfinished_hashes
from bench.targets import AUTH_DOCKERFILE, image_command
from efishery_auth.passwords import HASH_QUEUE
from efishery_run.errors import LaunchError


def test_auth_runs_as_its_image_does() -> None:
    assert image_command(AUTH_DOCKERFILE)[-1] == "efishery_auth:create_app()"


def test_auth_has_as_many_threads_as_in_the_chart(repository: Path) -> None:
    values = yaml.safe_load((repository / "charts/efishery/values.yaml").read_text())
    assert SETTINGS["HTTP_THREADS"] == str(values["auth"]["threads"])


def test_only_a_flood_fills_the_queue() -> None:
    assert CONNECTIONS < WORKERS + HASH_QUEUE < FLOOD_CONNECTIONS <= int(SETTINGS["HTTP_THREADS"])


def test_the_loop_verifies_for_the_given_time(repository: Path) -> None:
    settings = {
        "REFERENCE_HASH": PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("secret"),
        "REFERENCE_PASSWORD": "secret",
        "REFERENCE_SECONDS": "0.1",
        "REFERENCE_THREADS": "2",
    }
    command = [sys.executable, "-m", "bench.references.argon2id"]
    done = subprocess.run(command, cwd=repository, env=settings, capture_output=True, text=True, check=True)
    assert parse_verifications(done.stdout) > 10


@pytest.mark.parametrize("printed", ["", "Verifications/sec: 0.00\n"])
def test_a_loop_without_a_result_is_void(printed: str) -> None:
    with pytest.raises(LaunchError, match="no verification"):
        parse_verifications(printed)


def test_hashes_that_are_not_computed_yet_are_read_from_the_metrics() -> None:
    assert unfinished_hashes("# TYPE x gauge\nauth_password_hash_requests 3.0\nother 1\n") == 3
    with pytest.raises(LaunchError, match="no metric"):
        unfinished_hashes("other 1\n")
