"""The pods of `make bench-mesh`: one that sends, and a copy of a fetch pod whose port 8080 its sidecar leaves out."""

import base64
import json
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from efishery_run.cli import REPOSITORY
from efishery_run.errors import LaunchError

NAMESPACE: Final = "efishery"
GATEWAY: Final = "istio-ingressgateway.istio-system"
HTTP_PORT: Final = 8080
CA: Final = "/tmp/ca.crt"  # noqa: S108 -- in the load pod
READY: Final = "120s"
VEGETA: Final = Path(".tools/bin/vegeta")


@dataclass(frozen=True)
class Pods:
    """The load pod in a namespace of its own, and the address of the fetch pod that is reached directly."""

    namespace: str
    direct_address: str
    gateway_url: str

    @classmethod
    @contextmanager
    def create(cls) -> Iterator["Pods"]:
        """Create both pods and delete them at the end, also on Ctrl-C; raises LaunchError."""
        name = f"bench-{uuid.uuid4().hex[:8]}"
        deployment = json.loads(kubectl("get", "deployment", "fetch", "-o", "json"))
        ca = gateway_ca()
        copy, load = direct_pod(deployment, name), load_pod(deployment, name)
        try:
            kubectl("apply", "-f", "-", given=json.dumps(copy))
            kubectl("create", "namespace", name)
            kubectl("apply", "-n", name, "-f", "-", given=json.dumps(load))
            kubectl("wait", "--for=condition=Ready", f"--timeout={READY}", f"pod/{name}", seconds=150)
            kubectl("wait", "-n", name, "--for=condition=Ready", f"--timeout={READY}", "pod/load", seconds=150)
            _copy(name, (REPOSITORY / VEGETA).read_bytes(), "/tmp/vegeta")  # noqa: S108 -- in the load pod
            _copy(name, ca, CA)
            address = kubectl("get", "pod", name, "-o", "jsonpath={.status.podIP}")
            with tempfile.NamedTemporaryFile() as file:
                file.write(ca)
                file.flush()
                os.environ["SSL_CERT_FILE"] = file.name  # for requests of this process
                yield cls(name, f"{address}:{HTTP_PORT}", _run("hack/gateway-url").strip())
        finally:
            kubectl("delete", "pod", name, "--ignore-not-found", "--wait=false")
            kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")

    def in_load_pod(self, script: str, given: str, seconds: float) -> str:
        """Run a shell script in the load pod, with `given` as its standard input; return what it prints."""
        command = ("exec", "-i", "-n", self.namespace, "load", "--", "sh", "-ec", f"PATH=/tmp:$PATH; {script}")
        return kubectl(*command, given=given, seconds=seconds)

    def admin(self) -> tuple[str, str]:
        """Return phone and password of the first admin."""
        data = json.loads(kubectl("get", "secret", "auth-first-admin", "-o", "jsonpath={.data}"))
        phone, password = (base64.b64decode(data[key]).decode() for key in ("phone", "password"))
        return phone, password

    def describe_cluster(self) -> str:
        """Describe the cluster: its nodes, their CPUs and the version of Kubernetes."""
        nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
        status = nodes[0]["status"]
        count = "one node" if len(nodes) == 1 else f"{len(nodes)} nodes"
        return f"{count} with {status['capacity']['cpu']} CPUs, Kubernetes {status['nodeInfo']['kubeletVersion']}"


def direct_pod(deployment: dict[str, Any], name: str) -> dict[str, Any]:
    """Make a pod like those of `deployment` that no Service selects and whose port 8080 takes plain HTTP.

    Its sidecar still carries what the pod sends, so that Redis and the upstream accept it.
    """
    template = deployment["spec"]["template"]
    annotations = {
        **template["metadata"].get("annotations", {}),
        "traffic.sidecar.istio.io/excludeInboundPorts": str(HTTP_PORT),
    }
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"bench": name}, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def load_pod(deployment: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Make the pod that sends, from the image of `deployment`, which the nodes have."""
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    load = {
        "name": "load",
        "image": container["image"],
        "imagePullPolicy": container.get("imagePullPolicy", "IfNotPresent"),
        "command": ["sleep", "3600"],
    }
    metadata = {"name": "load", "namespace": namespace}
    spec = {
        "containers": [load],
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def kubectl(*arguments: str, given: str = "", seconds: float = 60) -> str:
    """Run kubectl in the namespace of the release; raises LaunchError with what it printed."""
    namespace = () if "-n" in arguments else ("-n", NAMESPACE)
    return _run("kubectl", *namespace, *arguments, given=given, seconds=seconds)


def gateway_ca() -> bytes:
    """Return the CA certificate of the gateway; raises LaunchError if `make up` did not make it."""
    ca = _run("hack/gateway-ca")
    if not ca:
        raise LaunchError(f"the gateway's certificate is not for {GATEWAY}: use the one that hack/tls-secret makes")
    return ca.encode()


def _copy(namespace: str, content: bytes, path: str) -> None:
    """Copy a file, which is executable then, into the load pod; raises LaunchError."""
    script = f"cat >{path} && chmod +x {path}"
    command = ("kubectl", "exec", "-i", "-n", namespace, "load", "--", "sh", "-ec", script)
    done = subprocess.run(command, input=content, capture_output=True, timeout=120, check=False)
    if done.returncode != 0:
        raise LaunchError(f"{path} was not copied into the load pod: {done.stderr.decode(errors='replace')}")


def _run(*command: str, given: str = "", seconds: float = 60) -> str:
    try:
        done = subprocess.run(
            command, cwd=REPOSITORY, input=given, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LaunchError(f"{' '.join(command)}: no end within {seconds:g} s") from error
    if done.returncode != 0:
        raise LaunchError(f"{' '.join(command[:6])}: {done.stderr or done.stdout}")
    return done.stdout
