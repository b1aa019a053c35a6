"""From the last release to the working tree, back, and forward again, under load, behind the new mesh manifests."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.cluster import NAMESPACE, RELEASE, Cluster, run
from tests.e2e.conftest import Gateway
from tests.e2e.upgrade import data, versions
from tests.e2e.upgrade.conftest import Note
from tests.e2e.upgrade.load import Load
from tests.e2e.upgrade.versions import Version

pytestmark = pytest.mark.timeout(1800)


class Upgrade:
    """One release whose versions are changed under load."""

    def __init__(self, repository: Path, cluster: Cluster, gateway: Gateway, stored: data.Data, note: Note) -> None:
        self.stored = stored
        self._repository = repository
        self._cluster = cluster
        self._gateway = gateway
        self._note = note

    def change(self, step: str, action: Callable[[], None], may_repeat: tuple[str, ...] = ("register",)) -> None:
        """Do `action` under load: no request fails, and nothing that was stored or acknowledged is lost."""
        load = Load(self._gateway, may_repeat)
        self._note(f"{step} begins")
        with load.running():
            action()
        self.stored.users += load.acknowledged
        self._note(f"{step}: {load.summary()}")
        failed = load.failed()
        assert not failed, f"{step}: {len(failed)} requests failed, such as {failed[:10]}"
        self.check(step)

    def check(self, step: str) -> None:
        """All users log in, the session goes on, the Secrets are the same, and the release passes its own test."""
        problems = data.problems(self.stored, self._cluster, self._gateway)
        assert not problems, f"{step}: {len(problems)} problems, such as {problems[:10]}"
        run(self._repository, "helm", "test", RELEASE, "--namespace", NAMESPACE, "--timeout", "3m")
        self._note(f"{step}: {len(self.stored.users)} users logged in, the session was refreshed, helm test passed")


@pytest.fixture
def upgrade(repository: Path, cluster: Cluster, gateway: Gateway, stored: data.Data, note: Note) -> Upgrade:
    return Upgrade(repository, cluster, gateway, stored, note)


def versions_of_pods(cluster: Cluster) -> Counter[str]:
    """Count the pods of auth, fetch and docs by their version label."""
    selector = "app.kubernetes.io/name in (auth,fetch,docs)"
    pods = cluster.core.list_namespaced_pod(NAMESPACE, label_selector=selector).items
    running = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
    return Counter(pod.metadata.labels["app.kubernetes.io/version"] for pod in running)


def test_an_upgrade_a_rollback_and_an_upgrade_under_load(
    upgrade: Upgrade, cluster: Cluster, previous: Version, working_tree: Version, repository: Path
) -> None:
    upgrade.check(f"{previous.tag} behind the new mesh manifests")
    before = versions_of_pods(cluster)

    upgrade.change("upgrade", lambda: working_tree.up("chart"))
    after = versions_of_pods(cluster)
    assert not before.keys() & after.keys(), f"the upgrade replaced no pods: {before} {after}"

    # 0.1.0 answers logins 503 for half a second when a connection to a replica ends while the primary changes.
    upgrade.change("rollback", lambda: versions.roll_back(repository), ("register", "login"))
    assert versions_of_pods(cluster) == before

    upgrade.change("second upgrade", lambda: working_tree.up("chart"))
    assert versions_of_pods(cluster) == after
