"""All volumes are lost, and a dump brings back what was acknowledged before it (docs/backup.md)."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import run, wait_for
from tests.e2e.mysql.harness import STEADY_SECONDS, Harness
from tests.e2e.mysql.limits import RECOVERY_SECONDS
from tests.e2e.mysql.members import become_consistent, contents
from tests.e2e.mysql.workload import Workload

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture
def dump(harness: Harness) -> Iterator[str]:
    """Make a dump after some writes; return its name."""
    release = harness.release
    release.upgrade("mysql.backup.enabled=true")
    workload = Workload(release, harness.url, harness.log)
    with workload.running():
        time.sleep(STEADY_SECONDS)
    harness.history.add(workload.operations)
    release.kubectl("create", "job", "dump", "--from=cronjob/mysql-backup")
    release.kubectl("wait", "--for=condition=complete", "job/dump", "--timeout=180s", seconds=190)
    yield release.kubectl("logs", "job/dump", "-c", "backup").split()[1].rstrip(",")
    release.kubectl("delete", "job", "dump", "--ignore-not-found")  # the CronJob keeps the last one only
    release.upgrade("mysql.backup.enabled=false")


def test_a_dump_brings_all_back_after_the_loss_of_all_volumes(harness: Harness, repository: Path, dump: str) -> None:
    release, members = harness.release, harness.members()
    pods = [member.pod for member in members]
    auth = release.apps.read_namespaced_deployment_scale("auth", "efishery").spec.replicas
    began = time.monotonic()
    release.kubectl("scale", "deployment/auth", "--replicas=0")
    release.kubectl("delete", "pvc", *(f"data-{pod}" for pod in pods), "--wait=false")
    release.kubectl("delete", "pod", *pods, seconds=180)
    wait_for("the agents to miss all data", lambda: all(release.events("AllDataLost", pod) for pod in pods), 180)
    group = release.lease_annotations()["group"]
    release.kubectl("annotate", "lease", "mysql", f"mysql.efishery/start-empty={group}")
    wait_for("the empty group", lambda: len(release.roles()) == len(pods), 240)
    restored = run(repository, "hack/restore", "--replace", dump)
    assert "all tables and rows are those of the dump" in restored
    release.kubectl("scale", "deployment/auth", f"--replicas={auth}")
    assert harness.wait_until_healthy(RECOVERY_SECONDS) is not None, release.diagnosis()
    seconds = time.monotonic() - began
    stored = [contents(member) for member in harness.members()]
    assert become_consistent(harness.members())
    assert not harness.history.lost(stored)
    rows = len(stored[0].keys)
    harness.report.note(f"All volumes lost, a dump restored: {rows} acknowledged writes there after {seconds:.0f} s.")
