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


def test_pods_without_a_proxy_are_repaired(tmp_path: Path) -> None:
    notes = _notes(tmp_path, "efishery")
    assert notes.index("kubectl apply -f k8s/namespace.yaml") < notes.index("rollout restart deployment,statefulset")


def test_they_say_where_the_url_the_login_and_the_dashboards_are(tmp_path: Path) -> None:
    notes, readme = _notes(tmp_path, "efishery"), (helm.REPOSITORY / "README.md").read_text()
    assert "kubectl -n istio-system get service istio-ingressgateway" in notes
    for section in ("Install on a cluster", "Alerts and dashboards"):
        assert f"README.md, {section}" in notes
        assert f"\n## {section}\n" in readme


def test_another_namespace_needs_a_changed_copy_of_the_policies(tmp_path: Path) -> None:
    notes = _notes(tmp_path, "fish")
    assert "kubectl apply -k" not in notes
    assert "This release is in fish" in notes


def test_autoscaling_needs_metrics_server(tmp_path: Path) -> None:
    autoscaled = _notes(tmp_path / "autoscaled", "efishery", "--set", "docs.autoscaling.enabled=true")
    assert "needs metrics-server" in autoscaled
    assert "kubectl -n efishery get hpa" in autoscaled
    assert "metrics-server" not in _notes(tmp_path / "fixed", "efishery")


def test_the_readme_says_what_an_uninstallation_leaves(tmp_path: Path) -> None:
    """Helm deletes neither hooks nor what the hooks made, nor volumes of a StatefulSet, nor what is to be kept."""
    assert "What `helm uninstall` leaves" in _notes(tmp_path, "efishery")
    readme = (helm.REPOSITORY / "charts/efishery/README.md").read_text()
    section = readme.split("### What `helm uninstall` leaves")[1].split("###")[0]
    kept = [m.name for m in Scenario("efishery", "default").rendered().objects if "keep" in m.annotations.values()]
    assert kept == ["mysql"]
    for name in ("Secrets", "`data-mysql-N`", "the Lease `mysql`", "`auth-migrate`", "`auth-first-admin`"):
        assert name in section, name
