"""Verdicts of NetworkPolicies by cyclonus, a policy engine that needs no cluster."""

import json
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.charts import helm
from tests.charts.manifests import Manifest


@dataclass(frozen=True)
class Peer:
    """A pod with its namespace and labels or, without a namespace, an address outside the cluster."""

    name: str
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        """The peer as cyclonus reads it. No rule of the charts has a pod's address, so all pods have the same."""
        if not self.namespace:
            return {"IP": "203.0.113.1"}
        namespace = {"Namespace": self.namespace, "NamespaceLabels": {"kubernetes.io/metadata.name": self.namespace}}
        return {"IP": "10.0.0.1", "Internal": {**namespace, "PodLabels": dict(self.labels)}}


@dataclass(frozen=True)
class Traffic:
    """A connection that a peer opens to a port of another."""

    source: Peer
    target: Peer
    port: int
    protocol: str = "TCP"

    def __str__(self) -> str:
        return f"{self.source.name} → {self.target.name}:{self.port}"

    @property
    def body(self) -> dict[str, Any]:
        """The connection as cyclonus reads it."""
        peers = {"Source": self.source.body, "Destination": self.target.body}
        return {**peers, "ResolvedPort": self.port, "Protocol": self.protocol}


def allowed(policies: Sequence[Manifest], traffics: Sequence[Traffic]) -> set[Traffic]:
    """Return the connections that NetworkPolicies of the namespace `efishery` allow."""
    bodies = [{**each.body, "metadata": {"name": each.name, "namespace": "efishery"}} for each in policies]
    listed = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicyList", "items": bodies}
    with tempfile.TemporaryDirectory() as folder:
        policy_file, traffic_file = Path(folder, "policies.yaml"), Path(folder, "traffic.json")
        policy_file.write_text(yaml.safe_dump(listed))
        traffic_file.write_text(json.dumps([each.body for each in traffics]))
        files = ["--policy-path", str(policy_file), "--traffic-path", str(traffic_file)]
        done = subprocess.run(
            [helm.tool("cyclonus"), "analyze", "--mode", "query-traffic", *files],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    verdicts = re.findall(r"^\| IS ALLOWED\? +\| +(TRUE|FALSE) ", done.stdout, flags=re.MULTILINE)
    assert len(verdicts) == len(traffics), done.stderr
    return {traffic for traffic, verdict in zip(traffics, verdicts, strict=True) if verdict == "TRUE"}
