"""hack/tools: helm is built once for each pinned version."""

import re
from pathlib import Path

import pytest

from tests.unit.hack.support import Checkout


@pytest.fixture
def tools(checkout: Checkout) -> Checkout:
    checkout.copy("hack/tools", "hack/lib.sh", "hack/one-node/settings")
    checkout.stand_in("bin/go")
    return checkout


def builds(checkout: Checkout) -> list[str]:
    return [call for call in checkout.calls if call.startswith("go install")]


def test_a_helm_of_another_version_is_built_anew_for_a_kubernetes_of_today(tools: Checkout) -> None:
    tools.stand_in(".tools/bin/helm", "echo v3.2.1")
    assert tools.run("hack/tools") == (0, "\x1b[1m==> building helm\x1b[0m\n")
    (build,) = builds(tools)
    assert "helm.sh/helm/v3/cmd/helm@v3." in build
    assert "pkg/chartutil.k8sVersionMinor=3" in build
    assert "pkg/lint/rules.k8sVersionMinor=3" in build


def test_a_helm_of_the_pinned_version_is_kept(tools: Checkout) -> None:
    settings = (tools.root / "hack/one-node/settings").read_text()
    version = settings.split("HELM_VERSION=")[1].split()[0]
    tools.stand_in(".tools/bin/helm", f"echo {version}")
    assert tools.run("hack/tools") == (0, "")
    assert builds(tools) == []


def test_an_unknown_name_is_answered_with_the_known_ones(tools: Checkout) -> None:
    tools.stand_in("hack/run-tools", f"exec {tools.root}/hack/tools nosuch")
    code, printed = tools.run("hack/run-tools")
    assert code == 1
    assert printed.startswith("tools: there is no 'nosuch': alertmanager argocd cyclonus helm ")
    assert builds(tools) == []


def test_every_recipe_has_a_name_that_is_known(tools: Checkout, repository: Path) -> None:
    scripts = [(repository / path).read_text() for path in ("hack/tools", "hack/one-node/tool")]
    recipes = {name for script in scripts for name in re.findall(r"^ {2,4}([a-z0-9-]+)\) ", script, flags=re.MULTILINE)}
    (names,) = re.findall(r'^NAMES="(.*)"$', scripts[0], flags=re.MULTILINE)
    assert recipes == set(names.split())


def test_an_unknown_program_of_prometheus_is_answered_with_the_known_ones(checkout: Checkout) -> None:
    checkout.copy("hack/install-prometheus", "hack/lib.sh", "hack/one-node/settings")
    checkout.stand_in("hack/run", f"exec {checkout.root}/hack/install-prometheus alertmanager")
    known = "promtool, prometheus and prometheus-blackbox-exporter"
    assert checkout.run("hack/run") == (1, f"install-prometheus: there is no 'alertmanager': {known}\n")
