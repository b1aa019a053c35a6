"""hack/tools: helm is built once for each pinned version."""

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
