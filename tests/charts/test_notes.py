"""The notes that `helm install` prints. `helm template` does not render them, so a test template includes them."""

import shutil
from pathlib import Path

from tests.charts import helm
from tests.charts.scenarios import Scenario

TEMPLATE = """kind: Notes
text: {{ include (print $.Template.BasePath "/NOTES.txt") . | quote }}
"""


def _notes(folder: Path, namespace: str, *options: str) -> str:
    chart = shutil.copytree(helm.charts() / "efishery", folder / "efishery")
    (chart / "templates/notes.yaml").write_text(TEMPLATE)
    show = ["--show-only", "templates/notes.yaml", "--set", "sample.enabled=true"]
    location = ["me", str(chart), "-n", namespace, "--kube-version", helm.KUBE_VERSION]
    rendered = helm.run("template", *location, *show, *options)
    assert rendered.returncode == 0, rendered.stderr
    return rendered.stdout


def test_the_namespace_is_applied_before_the_mesh_policies(tmp_path: Path) -> None:
    notes = _notes(tmp_path, "efishery")
    assert notes.index("k8s/namespace.yaml must have been applied before") < notes.index("kubectl apply -k k8s/istio")


def test_another_namespace_needs_a_changed_copy_of_the_policies(tmp_path: Path) -> None:
    notes = _notes(tmp_path, "fish")
    assert "kubectl apply -k" not in notes
    assert "This release is in fish" in notes


def test_manual_rate_jobs_have_unique_names(tmp_path: Path) -> None:
    assert "rate-cron-$(date +%s)" in _notes(tmp_path, "efishery")


def test_autoscaling_needs_metrics_server(tmp_path: Path) -> None:
    autoscaled = _notes(tmp_path / "autoscaled", "efishery", "--set", "docs.autoscaling.enabled=true")
    assert "needs metrics-server" in autoscaled
    assert "kubectl -n efishery get hpa" in autoscaled
    assert "metrics-server" not in _notes(tmp_path / "fixed", "efishery")


def test_the_notes_say_what_an_uninstallation_leaves(tmp_path: Path) -> None:
    """Helm deletes neither hooks nor what the hooks made, nor volumes of a StatefulSet, nor what is to be kept."""
    notes = _notes(tmp_path, "efishery").partition("helm uninstall")[2]
    kept = [m.name for m in Scenario("efishery", "default").rendered().objects if "keep" in m.annotations.values()]
    assert kept == ["mysql"]
    for name in ("Secrets", "data-mysql-N", "the Lease mysql", "auth-migrate", "auth-first-admin"):
        assert name in notes, name
