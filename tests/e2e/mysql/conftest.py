"""One harness for the whole run, and the page in docs/ in the end."""

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.mysql import node
from tests.e2e.mysql.harness import Harness
from tests.e2e.mysql.release import Release
from tests.e2e.mysql.results import Report

PAGE = "docs/mysql-faults.md"
HERE = Path(__file__).parent
PARTIAL = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Ignore the sockets that PyMySQL leaves open after a failed connection."""
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket.*family=1:ResourceWarning")


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Mark the run as partial where tests are deselected."""
    items[0].config.stash[PARTIAL] = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Mark the run as partial where it is interrupted."""
    try:
        return (yield)
    except BaseException:
        item.config.stash[PARTIAL] = True
        raise


@pytest.fixture(scope="session")
def harness(
    repository: Path, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    """The release under test. A run of all tests writes the page with their results."""
    node.require(repository, "for signals and packet filters")
    release = Release(repository)
    report = Report(lambda line: print_line(pytestconfig, line))
    log = tmp_path_factory.mktemp("workload") / "api.jsonl"
    harness = Harness(release, release.secret("mysql")["root-password"], release.gateway_url(), log, report)
    harness.clean_up()  # after an interrupted run
    harness.create_tables()
    yield harness
    harness.clean_up()
    if is_complete_run(pytestconfig):
        now = f"{datetime.now(UTC):%Y-%m-%d}"
        report.write(repository / PAGE, now, f"one node with {release.describe()}")


def print_line(config: pytest.Config, line: str) -> None:
    """Print a line at once, although pytest captures output."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    assert capture
    assert terminal
    with capture.global_and_fixture_disabled():
        terminal.write_line(line)


def is_complete_run(config: pytest.Config) -> bool:
    """Tell whether exactly this folder's tests run, and all of them."""
    paths = [Path(argument).resolve() for argument in config.args]
    return paths == [HERE] and not config.stash.get(PARTIAL, False)
