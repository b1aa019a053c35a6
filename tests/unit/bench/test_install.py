"""bench/install: packages only where they are missing and may be installed, and no daemons."""

import os
from pathlib import Path

import pytest

from tests.unit.hack.support import Checkout

PROGRAMS = ("wrk", "nginx", "redis-server", "mysqld")


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Checkout:
    made = Checkout(tmp_path / "repository", repository)
    made.copy("bench/install", "hack/lib.sh", "hack/tools", "hack/one-node/settings")
    (made.root / "bench/references/go").mkdir(parents=True)
    for program in ("bin/go", "bin/apt-get", ".tools/bin/vegeta"):
        made.stand_in(program)
    made.stand_in("bin/id", "echo 0")
    return made


def only_these(checkout: Checkout, *programs: str) -> str:
    """Make a PATH with the shell's own tools and stand-ins for `programs`."""
    tools = checkout.root / "tools"
    tools.mkdir()
    for name in ("bash", "sh", "dirname", "env", "id", "mkdir", "rm", "chmod", "ln"):
        found = next(Path(folder) / name for folder in ("/bin", "/usr/bin") if (Path(folder) / name).exists())
        (tools / name).symlink_to(found)
    for program in programs:
        checkout.stand_in(f"bin/{program}")
    return f"{checkout.root}/bin{os.pathsep}{tools}"


def test_what_is_there_is_not_installed(checkout: Checkout) -> None:
    code, printed = checkout.run("bench/install", PATH=only_these(checkout, *PROGRAMS))
    assert (code, printed) == (0, "")
    assert not [call for call in checkout.calls if call.startswith("apt-get")]
    assert any(call.startswith("go -C bench/references/go build") for call in checkout.calls)


def test_what_is_missing_is_named_where_it_cannot_be_installed(checkout: Checkout) -> None:
    checkout.stand_in("bin/id", "echo 1000")
    code, printed = checkout.run("bench/install", PATH=only_these(checkout, "nginx"))
    assert code == 1
    assert "wrk redis-server missing: install them (Debian: sudo apt-get install wrk redis-server)" in printed
    assert not [call for call in checkout.calls if call.startswith("apt-get")]


def test_a_missing_mysqld_is_named_where_it_cannot_be_installed(checkout: Checkout) -> None:
    checkout.stand_in("bin/id", "echo 1000")
    code, printed = checkout.run("bench/install", PATH=only_these(checkout, "wrk", "nginx", "redis-server"))
    assert (code, "mysqld missing: install MySQL 8.4 or later" in printed) == (1, True)
    assert not [call for call in checkout.calls if call.startswith("apt-get")]
