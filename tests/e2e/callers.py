"""Pods that send a list of probes at once, and what was answered."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tests.e2e.cluster import Cluster

# Prints, as a JSON list, the outcome of each probe. HTTP: the status, or the name of the error. TCP: "answer", if the
# server answers 64 bytes; the greeting that a server such as MySQL sends first says nothing: Envoy checks its policies
# at the client's first byte, so a caller without permission gets the greeting too.
SCRIPT = """
import http.client, json, socket
from concurrent.futures import ThreadPoolExecutor

def over_http(probe):
    connection = http.client.HTTPConnection(probe["host"], probe["port"], timeout=15)
    connection.request("GET", probe["path"], headers=dict(probe["headers"], Connection="close"))
    return str(connection.getresponse().status)

def over_tcp(probe):
    connection = socket.create_connection((probe["host"], probe["port"]), timeout=15)
    connection.settimeout(2)
    try:
        connection.recv(256)
    except TimeoutError:
        pass
    connection.settimeout(15)
    connection.sendall(b"PING" * 15 + b"\\r\\n\\r\\n")
    return "answer" if connection.recv(256) else "closed"

def outcome(probe):
    try:
        return (over_http if probe["path"] else over_tcp)(probe)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__

with ThreadPoolExecutor(32) as pool:
    print(json.dumps(list(pool.map(outcome, json.loads(%r)))))
"""


@dataclass(frozen=True)
class Probe:
    """A GET request, or a connection to a server of another protocol if there is no path."""

    host: str
    port: int
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def send(cluster: Cluster, namespace: str, account: str, probes: Sequence[Probe]) -> list[str]:
    """Send all probes from one new pod; return the outcome of each."""
    script = SCRIPT % json.dumps([asdict(probe) for probe in probes])
    outcomes: list[str] = json.loads(cluster.run_python(namespace, script, account=account))
    return outcomes
