"""One laboratory for the whole run."""

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.mysql import node
from tests.e2e.mysql.lab import Lab
from tests.e2e.mysql.release import Release
from tests.e2e.mysql.report import Report

TABLE = "docs/mysql-faults.md"
HERE = Path(__file__).parent
PARTIAL = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Let pass what PyMySQL leaves to the garbage collector: the socket of a connection that was refused."""
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket.*family=1:ResourceWarning")


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Note that this is not a whole run."""
    items[0].config.stash[PARTIAL] = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note that a run which is interrupted is no whole one either."""
    try:
        return (yield)
    except BaseException:
        item.config.stash[PARTIAL] = True
        raise


@pytest.fixture(scope="session")
def lab(repository: Path, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The release with three members, all well; in the end the table is written, where no test was left out."""
    if not node.is_here():
        pytest.skip("the faults are made on the node itself, as root: hack/one-node/up makes such a cluster")
    release = Release(repository)
    report = Report(lambda line: say(pytestconfig, line))
    notes = tmp_path_factory.mktemp("ledger") / "api.jsonl"
    lab = Lab(release, release.secret("mysql")["root-password"], release.gateway_url(), notes, report)
    lab.clean()  # after a run that was cut short
    lab.make_tables()
    yield lab
    lab.clean()
    if is_whole_run(pytestconfig):
        now = f"{datetime.now(UTC):%Y-%m-%d}"
        report.write(repository / TABLE, now, f"one node with {release.describe()}")


def say(config: pytest.Config, line: str) -> None:
    """Print a line at once, also while pytest keeps what tests print."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    assert capture
    assert terminal
    with capture.global_and_fixture_disabled():
        terminal.write_line(line)


def is_whole_run(config: pytest.Config) -> bool:
    """Tell whether all tests of this folder run."""
    chosen = [Path(argument).resolve() for argument in config.args]
    return chosen == [HERE] and not config.stash.get(PARTIAL, False)
