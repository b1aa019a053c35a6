"""hack/up: what it needs of the cluster."""

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
