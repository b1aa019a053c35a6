"""The pods of the mesh benchmark, and its section of the page."""

import pytest

from bench.load import Latency
from bench.mesh import render
from bench.mesh_pods import direct_pod, load_pod

TEMPLATE = {
    "metadata": {"labels": {"app.kubernetes.io/name": "fetch"}, "annotations": {"prometheus.io/scrape": "true"}},
    "spec": {"serviceAccountName": "fetch", "containers": [{"name": "fetch", "image": "efishery/fetch:dev"}]},
}
DEPLOYMENT = {"spec": {"template": TEMPLATE}}


def latency(p50: float, p90: float, p99: float) -> Latency:
    return Latency(200, p50, p90, p99)


def test_the_copy_is_like_fetch_but_takes_plain_http_and_is_in_no_service() -> None:
    pod = direct_pod(DEPLOYMENT, "bench-1")
    assert pod["spec"] == TEMPLATE["spec"]
    assert pod["metadata"]["labels"] == {"bench": "bench-1"}
    assert pod["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "traffic.sidecar.istio.io/excludeInboundPorts": "8080",
    }


def test_the_load_pod_has_an_image_that_the_nodes_have() -> None:
    (container,) = load_pod(DEPLOYMENT, "bench-1")["spec"]["containers"]
    assert (container["image"], container["imagePullPolicy"]) == ("efishery/fetch:dev", "IfNotPresent")


@pytest.mark.parametrize(("p90", "verdict"), [(5.0, "goal ≤ 3 ms: met"), (6.0, "goal ≤ 3 ms: not met")])
def test_what_the_mesh_adds_is_taken_within_each_round(p90: float, verdict: str) -> None:
    direct = [latency(1, 2, 3), latency(2, 4, 6), latency(1, 2, 3)]
    meshed = [latency(2, p90, 9), latency(3, p90 + 2, 12), latency(2, p90, 9)]
    section = render(meshed, direct, seconds=15, where="one node with 2 CPUs, Kubernetes v1.34.4")
    assert "| added | 1.00 (1.00–1.00) |" in section
    assert "6.00 (6.00–6.00) |" in section
    assert verdict in section
    assert "200 requests a second for 15 s" in section
    assert "3 rounds" in section
