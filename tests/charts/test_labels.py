"""All objects have the recommended labels, and selectors use only labels that never change."""

from tests.charts.manifests import SERVERS, Manifests

IDENTITY = {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
DESCRIPTION = {
    "app.kubernetes.io/version",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}


def test_every_object_has_the_recommended_labels(rendered: Manifests) -> None:
    for manifest in rendered.objects:
        missing = (IDENTITY | DESCRIPTION) - manifest.labels.keys()
        assert not missing, f"{manifest.id} lacks {sorted(missing)}"
        assert manifest.labels["app.kubernetes.io/part-of"] == "efishery", manifest.id


def test_pods_have_no_chart_version_label(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        if workload.owner.kind != "Pod":
            labels = workload.pod.labels.keys()
            assert "helm.sh/chart" not in labels, f"{workload.id}: a new chart version would restart its pods"
            assert IDENTITY | {"app.kubernetes.io/version"} <= labels, workload.id


def test_selectors_use_only_the_identity_labels(rendered: Manifests) -> None:
    for manifest in rendered.of(*SERVERS, "PodDisruptionBudget"):
        assert manifest.spec["selector"]["matchLabels"].keys() == IDENTITY, manifest.id


def test_selectors_match_only_their_own_pods(rendered: Manifests) -> None:
    for manifest in rendered.of(*SERVERS):
        selected = rendered.selected(manifest.spec["selector"]["matchLabels"])
        assert [workload.id for workload in selected] == [manifest.id]


def test_names_are_unique_and_have_no_namespace(rendered: Manifests) -> None:
    names = [manifest.id for manifest in rendered.objects]
    assert sorted(names) == sorted(set(names))
    for manifest in rendered.objects:
        assert "namespace" not in manifest.body["metadata"], f"{manifest.id}: the release decides the namespace"
