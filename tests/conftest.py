"""Fixtures for all tests."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.keys import KeyPair, write_key_pair
from tests.system.running import admin_token, system, user_token

__all__ = ["admin_token", "system", "user_token"]  # session fixtures for tests/system and tests/browser

# No test fails because the machine is slow or busy.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers: three for two CPUs, because many tests wait."""
    return (os.cpu_count() or 1) * 3 // 2


@pytest.fixture(scope="session")
def key_pair(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """Return one signing key for the whole session, because generating a key is slow."""
    return write_key_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """Keep the collector away from a recursion as deep as Python allows.

    It would call there the finalizers of other tests' objects, which fail with RecursionError and fail the test.
    """
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the repository's root."""
    return Path(__file__).parents[1]
