"""No fault loses an acknowledged write or makes two members writable, and each stays within its limits."""

import pytest

from tests.e2e.mysql import node
from tests.e2e.mysql.faults import DISK_MEBIBYTES, FAULTS, FULL_DISK, Fault, fill_disk
from tests.e2e.mysql.harness import Harness
from tests.e2e.mysql.limits import FAILOVER, RECOVERY_SECONDS

pytestmark = pytest.mark.timeout(900)


def marked(fault: Fault) -> object:
    return pytest.param(fault, id=fault.name, marks=[pytest.mark.short] if fault.short else [])


@pytest.mark.parametrize("fault", [marked(fault) for fault in FAULTS])
def test_fault(harness: Harness, fault: Fault) -> None:
    result = harness.measure(fault.name, fault.limits, fault.inject)
    assert not result.problems(), harness.release.diagnosis()


@pytest.mark.parametrize("role", ["replica", "primary"])
def test_full_disk(harness: Harness, role: str) -> None:
    """Rebuild the member on a small disk of its own first: a full disk of the node would stop everything."""
    limits = FULL_DISK if role == "primary" else FAILOVER
    pod = (harness.primary() if role == "primary" else harness.replica()).pod
    with node.small_disk(harness.release.volume_path(pod), DISK_MEBIBYTES) as disk:
        try:
            harness.release.delete_pods(pod)
            assert harness.wait_until_healthy(RECOVERY_SECONDS) is not None, harness.release.diagnosis()
            if role == "primary":
                harness.make_primary(pod)
            result = harness.measure(f"disk of the {role} full for 60 s", limits, lambda _: fill_disk(disk))
        finally:
            (disk / node.FILLER).unlink(missing_ok=True)
    harness.release.delete_pods(pod)
    assert harness.wait_until_healthy(RECOVERY_SECONDS) is not None, harness.release.diagnosis()
    assert not result.problems()
