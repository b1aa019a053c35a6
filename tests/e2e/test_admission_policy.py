"""The agents of MySQL may change two labels of the members' pods, and nothing else of them (admissionPolicy)."""

import json
from pathlib import Path

import pytest

from tests.e2e.cluster import NAMESPACE, run

AGENT = f"system:serviceaccount:{NAMESPACE}:mysql"
IMAGE = {"spec": {"containers": [{"name": "mysql", "image": "other"}]}}
REFUSED = {
    "a label": ({"metadata": {"labels": {"app.kubernetes.io/name": "other"}}}, "no label but role and reads"),
    "a removed label": ({"metadata": {"labels": {"app.kubernetes.io/name": None}}}, "no label but role and reads"),
    "an annotation": ({"metadata": {"annotations": {"other": "yes"}}}, "no annotation, finalizer or owner"),
    "a finalizer": ({"metadata": {"finalizers": ["example.org/other"]}}, "no annotation, finalizer or owner"),
    "an image": (IMAGE, "no image"),
}


def patch(repository: Path, body: object, *options: str) -> str:
    """Return what the API server answers to a patch of a member's pod, which changes nothing."""
    command = ["kubectl", "-n", NAMESPACE, "patch", "pod", "mysql-0", "--dry-run=server", "--patch", json.dumps(body)]
    # `|| true`: a refusal is an answer too.
    return run(repository, "bash", "-c", '"$@" 2>&1 || true', "-", *command, *options)


@pytest.mark.parametrize("labels", [{"role": "replica", "reads": "true"}, {"role": None, "reads": None}])
def test_an_agent_may_set_and_remove_its_labels(repository: Path, labels: dict[str, str | None]) -> None:
    assert "patched" in patch(repository, {"metadata": {"labels": labels}}, f"--as={AGENT}")


@pytest.mark.parametrize("name", REFUSED)
def test_an_agent_may_change_nothing_else(repository: Path, name: str) -> None:
    body, message = REFUSED[name]
    answer = patch(repository, body, f"--as={AGENT}")
    assert "denied" in answer
    assert message in answer


def test_others_are_not_concerned(repository: Path) -> None:
    assert "patched" in patch(repository, IMAGE)
