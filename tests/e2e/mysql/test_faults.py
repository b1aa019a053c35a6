"""Nothing acknowledged is ever lost, and never two members take writes, whatever happens to them."""

import pytest

from tests.e2e.mysql import node
from tests.e2e.mysql.faults import DISK_MEBIBYTES, FAULTS, FULL_DISK, KILL, Fault, fill_disk
from tests.e2e.mysql.lab import Lab

pytestmark = pytest.mark.timeout(900)


def marked(fault: Fault) -> object:
    return pytest.param(fault, id=fault.name, marks=[pytest.mark.short] if fault.short else [])


@pytest.mark.parametrize("fault", [marked(fault) for fault in FAULTS])
def test_fault(lab: Lab, fault: Fault) -> None:
    verdict = lab.measure(fault.name, fault.limits, fault.strike)
    assert not verdict.problems(), lab.release.diagnosis()


@pytest.mark.parametrize("role", ["replica", "primary"])
def test_full_disk(lab: Lab, role: str) -> None:
    """The member is first rebuilt on a disk of its own that is small, since the node's must not get full."""
    limits = FULL_DISK if role == "primary" else KILL
    pod = (lab.primary() if role == "primary" else lab.replica()).pod
    with node.small_disk(lab.release.volume_path(pod), DISK_MEBIBYTES) as disk:
        try:
            lab.release.delete_pods(pod)
            assert lab.wait_until_well(240) is not None, lab.release.diagnosis()
            if role == "primary":
                lab.make_primary(pod)
            verdict = lab.measure(f"disk of a {role} full for 60 s", limits, lambda _: fill_disk(disk))
        finally:
            (disk / node.FILLER).unlink(missing_ok=True)
    lab.release.delete_pods(pod)
    assert lab.wait_until_well(240) is not None, lab.release.diagnosis()
    assert not verdict.problems()
