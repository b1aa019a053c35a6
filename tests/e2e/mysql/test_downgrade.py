"""A member whose data are of a newer MySQL than its image does not start, and says why and what to do."""

import re

import pytest

from tests.e2e.cluster import wait_for
from tests.e2e.mysql.harness import Harness
from tests.e2e.mysql.limits import RECOVERY_SECONDS

pytestmark = pytest.mark.timeout(600)


def refusal(harness: Harness, pod: str) -> str | None:
    """Return the message of the init container that refused, as `kubectl describe pod` prints it."""
    found = harness.release.members().get(pod)
    statuses = found.status.init_container_statuses or [] if found else []
    states = [state for status in statuses for state in (status.state, status.last_state) if status.name == "prepare"]
    messages = [state.terminated.message or "" for state in states if state and state.terminated]
    return next((message for message in messages if "refused" in message), None)


def test_a_downgrade_is_refused(harness: Harness) -> None:
    pod = harness.replica().pod
    history = harness.release.volume_path(pod) / "data/mysql_upgrade_history"
    before = history.read_text()
    try:
        history.write_text(re.sub(r'"version":"(\d+\.\d+)\.\d+', r'"version":"\1.99', before))
        harness.release.delete_pods(pod)
        message = wait_for("the member to refuse its data", lambda: refusal(harness, pod), 120)
        assert re.search(r"the image has MySQL [\d.]+, the data are of MySQL [\d.]+\.99", message)
        assert "image.allowDowngrade=true" in message
        assert len(harness.release.roles()) == harness.release.replicas() - 1, "the others serve"
    finally:
        history.write_text(before)
    assert harness.wait_until_healthy(RECOVERY_SECONDS) is not None, harness.release.diagnosis()
