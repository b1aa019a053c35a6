"""What `helm install` says at its end. `helm template` does not render it, so a template that includes it is added."""

import shutil
from pathlib import Path

from tests.charts import helm

TEMPLATE = """kind: Notes
text: {{ include (print $.Template.BasePath "/NOTES.txt") . | quote }}
"""


def _notes(folder: Path, namespace: str) -> str:
    chart = shutil.copytree(helm.charts() / "efishery", folder / "efishery")
    (chart / "templates/notes.yaml").write_text(TEMPLATE)
    show = ["--show-only", "templates/notes.yaml", "--set", "sample.enabled=true"]
    rendered = helm.run("template", "me", str(chart), "-n", namespace, "--kube-version", helm.KUBE_VERSION, *show)
    assert rendered.returncode == 0, rendered.stderr
    return rendered.stdout


def test_the_mesh_comes_after_the_namespaces_label(tmp_path: Path) -> None:
    notes = _notes(tmp_path, "efishery")
    assert notes.index("k8s/namespace.yaml must have come before") < notes.index("kubectl apply -k k8s/istio")


def test_another_namespace_needs_other_policies(tmp_path: Path) -> None:
    notes = _notes(tmp_path, "fish")
    assert "kubectl apply -k" not in notes
    assert "This one is fish" in notes


def test_a_rate_can_be_fetched_by_hand_more_than_once(tmp_path: Path) -> None:
    assert "rate-cron-$(date +%s)" in _notes(tmp_path, "efishery")
