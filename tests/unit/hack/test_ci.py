""".ci/run: its stages, its end."""

import signal
import time
from pathlib import Path

import pytest

from tests.system.running import is_alive
from tests.unit.hack.support import Checkout


@pytest.fixture
def ci(checkout: Checkout) -> Checkout:
    checkout.copy(".ci/run")
    for program in ("bin/apt-get", "bin/make", "hack/one-node/up", "hack/one-node/down", "hack/diagnose"):
        checkout.stand_in(program)
    checkout.stand_in("hack/one-node/env", "echo export KUBECONFIG=/dev/null")
    return checkout


def made(checkout: Checkout) -> list[str]:
    return [call for call in checkout.calls if call.startswith("make")]


def test_without_the_recorded_lists_it_says_so_and_goes_on(ci: Checkout) -> None:
    code, printed = ci.run(".ci/run")
    assert code == 0
    assert "no recorded lists in ../shared/data: tests/recorded is left out" in printed
    assert made(ci) == ["make test", "make compose-test", "make up", "make e2e", "make e2e-mysql ARGS=-m short"]


@pytest.mark.parametrize("given", [True, False], ids=["lists", "CI"])
def test_recorded_lists_are_tested_where_they_are_and_in_ci_always(ci: Checkout, tmp_path: Path, given: bool) -> None:
    if given:
        (tmp_path / "shared" / "data").mkdir(parents=True)
    ci.run(".ci/run", **({} if given else {"CI": "true"}))
    assert made(ci) == [
        "make test",
        "make check ARGS=tests/recorded",
        "make compose-test",
        "make up",
        "make e2e",
        "make e2e-mysql ARGS=-m short",
    ]


@pytest.mark.parametrize("code", [0, 1])
def test_what_goes_wrong_at_the_end_does_not_change_the_outcome(ci: Checkout, code: int) -> None:
    ci.stand_in("bin/make", f'[ "$1" != e2e ] || exit {code}')
    ci.stand_in("hack/one-node/down", "exit 7")
    assert ci.run(".ci/run")[0] == code


def test_a_signal_ends_it_at_once_with_the_stage_that_runs(ci: Checkout) -> None:
    ci.stand_in("bin/make", f'echo $$ >"{ci.root}/pid"; exec sleep 600')
    with ci.start(".ci/run") as running:
        deadline = time.monotonic() + 20
        while not (ci.root / "pid").exists() or not (ci.root / "pid").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        try:
            assert running.wait(10) == 143
        finally:
            running.kill()
    assert not is_alive(int((ci.root / "pid").read_text()))
