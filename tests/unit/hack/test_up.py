"""hack/up and hack/with-cluster: what they need of the cluster, and where they first ask."""

import pytest

from tests.unit.hack.support import Checkout

KUBECTL = """case "$*" in
  "get nodes"*) echo "one-node {}" ;;
  "config current-context") echo somewhere ;;
  "-n istio-system get deployment"*) exit 1 ;;
esac"""


def test_without_the_gateways_deployment_it_says_what_is_missing(checkout: Checkout) -> None:
    checkout.copy("hack/up", "hack/lib.sh", "hack/one-node/settings")
    checkout.stand_in("bin/kubectl", KUBECTL)
    checkout.stand_in("bin/helm")
    code, printed = checkout.run("hack/up")
    assert code == 1
    assert "istio-system has no deployments istiod and istio-ingressgateway" in printed
    assert "otherwise see README.md, Install on a cluster" in printed


OTHER_CLUSTER = """case "$*" in
  "get nodes"*) echo "worker-1 {} aws:///worker-1" ;;
  "config current-context") echo somewhere ;;
esac"""


@pytest.mark.parametrize("script", ["hack/up", "hack/with-cluster"])
def test_a_cluster_that_is_not_for_development_needs_a_confirmation(checkout: Checkout, script: str) -> None:
    checkout.copy("hack/up", "hack/with-cluster", "hack/lib.sh", "hack/one-node/settings")
    checkout.stand_in("bin/kubectl", OTHER_CLUSTER)
    checkout.stand_in("bin/helm")
    checkout.stand_in("run", f"exec {checkout.root}/{script} $COMMAND")
    command = "bin/tests" if script == "hack/with-cluster" else "mesh"
    checkout.stand_in("bin/tests")
    code, printed = checkout.run("run", COMMAND=command, REGISTRY="registry.example")
    assert code == 1
    assert "this cluster is not kind, minikube or one-node" in printed
    assert "CONFIRM=efishery" in printed
    assert not [call for call in checkout.calls if "apply" in call or call.startswith(("helm", "tests"))]


def test_a_confirmed_command_runs(checkout: Checkout) -> None:
    checkout.copy("hack/with-cluster", "hack/lib.sh", "hack/one-node/settings")
    checkout.stand_in("bin/kubectl", OTHER_CLUSTER)
    checkout.stand_in("bin/helm")
    checkout.stand_in("bin/tests", "exit 3")
    checkout.stand_in("run", f"exec {checkout.root}/hack/with-cluster tests -k one")
    code, _ = checkout.run("run", CONFIRM="efishery")
    assert code == 3, "the command's own"
    assert "tests -k one" in checkout.calls


def test_an_image_that_cannot_be_loaded_leaves_no_archive(checkout: Checkout) -> None:
    checkout.copy("hack/lib.sh", "hack/one-node/settings")
    (checkout.root / "tmp").mkdir()
    checkout.stand_in("bin/docker", 'case "$1" in save) touch "$3" ;; esac')
    (checkout.root / "run").write_text("#!/usr/bin/env bash\nsource hack/lib.sh\nwith_archive image false || exit 4\n")
    (checkout.root / "run").chmod(0o755)
    script = 'cd "$ROOT" && exec ./run'
    checkout.stand_in("start", script)
    code, printed = checkout.run("start", ROOT=str(checkout.root), TMPDIR=str(checkout.root / "tmp"))
    assert code == 4, printed
    assert any(call.startswith("docker save") for call in checkout.calls)
    assert list((checkout.root / "tmp").iterdir()) == []
