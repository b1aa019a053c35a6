"""hack/down: what it removes, and where it first asks."""

import pytest

from tests.unit.hack.support import Checkout

KUBECTL = """case "$*" in
  "get nodes"*) echo "{node}" ;;
  "config current-context") echo somewhere ;;
  "config view"*) echo https://cluster.example ;;
  "delete -k"*) echo "no matches for kind Gateway" >&2; exit 1 ;;
esac"""


@pytest.fixture
def down(checkout: Checkout) -> Checkout:
    checkout.copy("hack/down", "hack/lib.sh", "hack/one-node/settings")
    checkout.stand_in("bin/kubectl", KUBECTL.replace("{node}", "worker-1 {} aws:///worker-1"))
    checkout.stand_in("bin/helm")
    return checkout


def deletions(checkout: Checkout) -> list[str]:
    return [call for call in checkout.calls if " delete " in call or " uninstall " in call]


def test_a_cluster_that_is_not_of_this_machine_needs_a_confirmation(down: Checkout) -> None:
    code, printed = down.run("hack/down")
    assert code == 1
    assert "cluster: context somewhere, https://cluster.example" in printed
    assert "CONFIRM=efishery make down" in printed
    assert deletions(down) == []


@pytest.mark.parametrize("node", ["worker-1 {} aws:///worker-1", "one-node {}", "x {} kind://docker/efishery/x"])
def test_without_istio_the_rest_is_removed(down: Checkout, node: str) -> None:
    down.stand_in("bin/kubectl", KUBECTL.replace("{node}", node))
    confirmation = {"CONFIRM": "efishery"} if "aws" in node else {}
    code, printed = down.run("hack/down", **confirmation)
    assert code == 0, printed
    mesh, certificate, release, namespace = deletions(down)
    assert mesh.startswith("kubectl delete -k k8s/istio")
    assert certificate.startswith("kubectl -n istio-system delete secret -l efishery/self-signed=true")
    assert release.startswith("helm uninstall efishery -n efishery")
    assert namespace.startswith("kubectl delete namespace efishery")
