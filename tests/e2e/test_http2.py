"""HTTP/2 at the ingress gateway: many streams at once, and answers that nobody reads."""

from collections import Counter
from contextlib import ExitStack
from typing import Any

from tests.e2e.cluster import Cluster, wait_for
from tests.e2e.conftest import Gateway
from tests.load.http2 import Http2Client

STREAMS = 100  # envoyfilter-limits.yaml
FILE = "/docs/swagger-ui-bundle.js"  # 1.7 MB
HOARDERS = 15  # 2.5 GB of answers: more than twice the memory that Istio's gateway may have
RECOVERY_SECONDS = 30  # an answer that nobody reads is kept for 35 s, and for less when memory is short


def test_a_new_connection_has_as_many_streams_as_clients_open_at_once(gateway: Gateway) -> None:
    with Http2Client(gateway.url) as http2:
        http2.get("/ping", STREAMS)
        assert http2.answers(STREAMS) == Counter({"200": STREAMS})


def test_more_streams_are_refused_so_that_clients_repeat_them(gateway: Gateway) -> None:
    with Http2Client(gateway.url) as http2:
        http2.get("/ping", STREAMS + 20)
        # RFC 9113, section 8.7: REFUSED_STREAM (7) says that nothing was processed.
        assert http2.answers(STREAMS + 20) == Counter({"200": STREAMS, "reset 7": 20})


def test_answers_that_nobody_reads_do_not_end_the_gateway(gateway: Gateway, cluster: Cluster) -> None:
    before = _restarts(cluster)
    with ExitStack() as stack:
        for _ in range(HOARDERS):
            stack.enter_context(Http2Client(gateway.url)).get(FILE, STREAMS)
            # Also lets docs, which takes 128 requests at a time, answer those of the hoarder.
            wait_for("another client to be served", lambda: gateway.get(FILE).status_code == 200, RECOVERY_SECONDS)
    assert _restarts(cluster) == before, "Kubernetes has ended the gateway for its memory"


def _restarts(cluster: Cluster) -> dict[str, int]:
    pods: Any = cluster.core.list_namespaced_pod("istio-system", label_selector="istio=ingressgateway").items
    return {pod.metadata.name: pod.status.container_statuses[0].restart_count for pod in pods}
