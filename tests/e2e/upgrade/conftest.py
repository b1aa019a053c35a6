"""The last release, installed with data into an empty cluster; the working tree's images, ready for the upgrade."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.cluster import NAMESPACE, Cluster, wait_for
from tests.e2e.conftest import Gateway, trust_ca
from tests.e2e.proxies import draining
from tests.e2e.upgrade import data, versions
from tests.e2e.upgrade.versions import Version

Note = Callable[[str], None]


@pytest.fixture(scope="session")
def note(pytestconfig: pytest.Config) -> Note:
    """Print a line at once, with the seconds since the first, although pytest captures output."""
    capture = pytestconfig.pluginmanager.get_plugin("capturemanager")
    terminal = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    assert capture
    assert terminal
    started = time.monotonic()

    def write(line: str) -> None:
        with capture.global_and_fixture_disabled():
            terminal.write_line(f"{time.monotonic() - started:5.0f} s  {line}")

    return write


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture(scope="session")
def working_tree(repository: Path) -> Version:
    return versions.working_tree(repository)


@pytest.fixture(scope="session")
def previous(
    repository: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, working_tree: Version, note: Note
) -> Version:
    """Install the last release, and build and load the images of the working tree."""
    namespaces = {each.metadata.name for each in cluster.core.list_namespace().items}
    assert NAMESPACE not in namespaces, f"the namespace {NAMESPACE} exists: this test installs into an empty cluster"
    version = versions.unpack_previous(repository, tmp_path_factory.mktemp("previous"))
    note(f"installing {version.tag}")
    version.up()
    note("building the images of the working tree")
    working_tree.up("images")
    return version


@pytest.fixture(scope="session")
def stored(cluster: Cluster, previous: Version) -> data.Data:
    return data.create(cluster, Gateway(previous.gateway_url()))


@pytest.fixture(scope="session")
def gateway(
    repository: Path,
    cluster: Cluster,
    stored: data.Data,
    working_tree: Version,
    note: Note,
    tmp_path_factory: pytest.TempPathFactory,
) -> Gateway:
    """The gateway with the mesh manifests of the working tree, which come before its chart (CHANGELOG.md).

    45 s later the proxies close connections to MySQL (tests/e2e/test_mesh_changes.py). 0.1.0 answers that by 503 for
    half a second, so it is over when the load begins.
    """
    note(f"applying the new mesh manifests for {len(stored.users)} users")
    working_tree.up("mesh")
    wait_for("replaced listeners to end", lambda: not draining(repository, cluster))
    trust_ca(repository, tmp_path_factory.mktemp("tls"))  # made by that step
    return Gateway(working_tree.gateway_url())
