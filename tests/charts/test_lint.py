"""Helm's own checks, by Helm 3 and Helm 4."""

import pytest

from tests.charts import helm
from tests.charts.manifests import parse
from tests.charts.scenarios import SCENARIOS, Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_lint(scenario: Scenario) -> None:
    chart = helm.charts() / scenario.chart
    values = chart / f"ci/{scenario.name}-values.yaml"
    linted = helm.run("lint", str(chart), "--strict", "--kube-version", helm.KUBE_VERSION, "--values", str(values))
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_charts_need_no_custom_resources_by_default() -> None:
    groups = {m.body["apiVersion"] for s in SCENARIOS for m in s.rendered().objects}
    builtin = {
        "v1",
        "apps/v1",
        "autoscaling/v2",
        "batch/v1",
        "policy/v1",
        "coordination.k8s.io/v1",
        "networking.k8s.io/v1",
        "rbac.authorization.k8s.io/v1",
        "admissionregistration.k8s.io/v1",  # charts/mysql: admissionPolicy.enabled
    }
    # tls.source=certManager; global.monitoring; egress.registryOnly and canaries
    optional = {"cert-manager.io/v1", "monitoring.coreos.com/v1", "networking.istio.io/v1"}
    assert groups == builtin | optional
    defaults = [m for chart in ("efishery", "mysql") for m in Scenario(chart, "default").rendered().objects]
    assert not [m.id for m in defaults if m.body["apiVersion"] in optional]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_helm_3_and_helm_4_render_the_same(scenario: Scenario) -> None:
    values = ["--values", str(helm.charts() / scenario.chart / f"ci/{scenario.name}-values.yaml")]
    rendered = helm.template(scenario.chart, *values, program=helm.tool("helm4"))
    assert rendered.returncode == 0, rendered.stderr
    assert [m.body for m in parse(rendered.stdout).objects] == [m.body for m in scenario.rendered().objects]


def test_an_unsupported_kubernetes_version_is_refused() -> None:
    refused = helm.run("template", str(helm.charts() / "mysql"), "--kube-version", "1.29.0")
    assert "requires kubeVersion" in refused.stderr
