"""HTTP/2 at the ingress gateway: many streams at once, and what a client can fill the gateway's memory with."""

import json
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import requests
from h2.settings import SettingCodes

from tests.e2e.cluster import Cluster, wait_for
from tests.e2e.conftest import Gateway
from tests.e2e.proxies import admin
from tests.load.http2 import Http2Client

STREAMS, WINDOW = 100, 2 * 2**20  # envoyfilter-limits.yaml
FILE = "/docs/swagger-ui-bundle.js"  # 1.7 MB
UNREAD_CONNECTIONS = 15  # 2.5 GB of responses: more than twice the memory that Istio's gateway may have
TIMEOUTS_SHRINK_FROM = 256 * 2**20  # bytes of heap, gateway-bootstrap.yaml
RECOVERY_SECONDS = 30  # a response that is not read is kept for 35 s, and for less when memory is short


def test_a_new_connection_has_as_many_streams_as_clients_open_at_once(gateway: Gateway) -> None:
    with closing(Http2Client(gateway.url)) as http2:
        http2.get("/ping", STREAMS)
        assert http2.answers(STREAMS) == Counter({"200": STREAMS})
        assert http2.settings[SettingCodes.MAX_CONCURRENT_STREAMS] == STREAMS
        assert http2.settings[SettingCodes.INITIAL_WINDOW_SIZE] == WINDOW


def test_more_streams_are_refused_so_that_clients_repeat_them(gateway: Gateway) -> None:
    with closing(Http2Client(gateway.url)) as http2:
        http2.get("/ping", STREAMS + 20)
        # RFC 9113, section 8.7: REFUSED_STREAM (7) says that nothing was processed.
        assert http2.answers(STREAMS + 20) == Counter({"200": STREAMS, "reset 7": 20})


def test_responses_that_are_not_read_do_not_end_the_gateway(
    gateway: Gateway, cluster: Cluster, repository: Path
) -> None:
    before, heap = _restarts(cluster), []
    assert before
    with ExitStack() as stack:
        for _ in range(UNREAD_CONNECTIONS):
            stack.enter_context(closing(Http2Client(gateway.url))).get(FILE, STREAMS)
            # Also lets docs, which takes 128 requests at a time, answer those of the connection.
            wait_for("another client to be served", lambda: _serves(gateway), RECOVERY_SECONDS)
            heap.append(_heap(repository))
    # Envoy notices later that the connections have ended, then measures its memory again, and refuses until then.
    wait_for("the gateway's memory to be free again", lambda: _heap(repository) < TIMEOUTS_SHRINK_FROM, 60)
    wait_for("requests to be served again", lambda: gateway.get("/ping").status_code == 200, RECOVERY_SECONDS)
    assert _restarts(cluster) == before, "the gateway was killed for its memory"
    assert max(heap) > TIMEOUTS_SHRINK_FROM, "the responses were not kept"


def _serves(gateway: Gateway) -> bool:
    try:
        return gateway.get(FILE).status_code == 200
    except requests.RequestException:  # its response was ended too
        return False


def _heap(repository: Path) -> int:
    """Return the bytes that the gateway's Envoy has allocated."""
    return int(json.loads(admin(repository, "istio-system", "deployment/istio-ingressgateway", "memory"))["allocated"])


def _restarts(cluster: Cluster) -> dict[str, int]:
    pods: Any = cluster.core.list_namespaced_pod("istio-system", label_selector="istio=ingressgateway").items
    return {pod.metadata.name: pod.status.container_statuses[0].restart_count for pod in pods}
