"""Fixtures for the scripts."""

from pathlib import Path

import pytest

from tests.unit.hack.support import Checkout


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Checkout:
    """One without any scripts yet."""
    return Checkout(tmp_path / "checkout", repository)
