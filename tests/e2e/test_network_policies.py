"""The cluster enforces the NetworkPolicies, also where no policy of the mesh applies: the port of Istio's agent."""

import json

import pytest

from tests.e2e.cluster import NAMESPACE, Cluster
from tests.who_may_talk import AGENT_PORT, PORTS

CONNECT = """
import json, socket
from concurrent.futures import ThreadPoolExecutor

def connects(address):
    try:
        socket.create_connection((address, {port}), timeout=5).close()
    except OSError:
        return False
    return True

with ThreadPoolExecutor() as pool:
    print(json.dumps(list(pool.map(connects, {addresses}))))
"""


@pytest.mark.timeout(180)
def test_no_stranger_connects_to_a_pod(cluster: Cluster) -> None:
    components = sorted({port.component for port in PORTS})
    addresses = [cluster.pod_address(NAMESPACE, f"app.kubernetes.io/name={name}") for name in components]
    gateway = cluster.pod_address("istio-system", "istio=ingressgateway")  # in a namespace without policies
    script = CONNECT.format(port=AGENT_PORT, addresses=[gateway, *addresses])
    with cluster.temporary_namespace() as namespace:
        connected = json.loads(cluster.run_python(namespace, script, labels={}))
    assert dict(zip(["gateway", *components], connected, strict=True)) == {"gateway": True} | dict.fromkeys(
        components, False
    )
