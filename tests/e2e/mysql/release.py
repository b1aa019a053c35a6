"""The release under test: its Kubernetes objects, and the faults injected through the Kubernetes API."""

import base64
import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config

from tests.e2e.cluster import run, wait_for

# The release of `make up`, unless these variables name another.
NAMESPACE = os.environ.get("E2E_NAMESPACE", "efishery")
RELEASE = os.environ.get("E2E_RELEASE", "efishery")
STATEFUL_SET = "mysql"
API_ERRORS = (client.ApiException, urllib3.exceptions.HTTPError, OSError)


def pod_name(ordinal: int) -> str:
    """Return the name of a member's pod."""
    return f"{STATEFUL_SET}-{ordinal}"


class Release:
    """The objects of a Helm release. Each request has a timeout: the API server may be stopped by a fault."""

    def __init__(self, repository: Path) -> None:
        config.load_kube_config()  # type: ignore[no-untyped-call]  # the client leaves this one untyped
        self._repository = repository
        # Any: in the client's types every field of every object may be missing.
        self.core: Any = client.CoreV1Api()
        self.apps: Any = client.AppsV1Api()

    def secret(self, name: str) -> dict[str, str]:
        """Return a Secret's data, decoded."""
        data: dict[str, str] = self.core.read_namespaced_secret(name, NAMESPACE, _request_timeout=10).data
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def has_secret(self, name: str) -> bool:
        """Tell whether there is such a Secret."""
        secrets = self.core.list_namespaced_secret(NAMESPACE, _request_timeout=10).items
        return any(each.metadata.name == name for each in secrets)

    def replicas(self) -> int:
        """Return the number of members in the StatefulSet's spec."""
        return int(self.apps.read_namespaced_stateful_set(STATEFUL_SET, NAMESPACE, _request_timeout=10).spec.replicas)

    def auth_image(self) -> str:
        """Return the image of auth, which contains PyMySQL."""
        deployment = self.apps.read_namespaced_deployment("auth", NAMESPACE, _request_timeout=10)
        return str(deployment.spec.template.spec.containers[0].image)

    def members(self) -> dict[str, Any]:
        """Return the members' pods by name. Raises one of API_ERRORS."""
        found = self.core.list_namespaced_pod(
            NAMESPACE, label_selector="app.kubernetes.io/name=mysql", _request_timeout=5
        )
        return {pod.metadata.name: pod for pod in found.items}

    def roles(self) -> dict[str, str]:
        """Return the label `role` of every member that is ready. Raises one of API_ERRORS."""
        return {
            name: (pod.metadata.labels or {}).get("role", "")
            for name, pod in self.members().items()
            if _is_ready(pod) and pod.metadata.deletion_timestamp is None
        }

    def is_ready(self, replicas: int) -> bool:
        """Tell whether every member is ready, one is labelled primary and the others replica, and auth is ready."""
        try:
            labels = sorted(self.roles().values())
            auth = self.apps.read_namespaced_deployment("auth", NAMESPACE, _request_timeout=5)
        except API_ERRORS:
            return False
        ready = (auth.status.ready_replicas or 0) == auth.spec.replicas
        return ready and labels == sorted(["primary"] + ["replica"] * (replicas - 1))

    def delete_pods(self, *names: str) -> None:
        """Delete pods without a grace period, as `kubectl delete pod --force --grace-period=0` does."""
        for name in names:
            with contextlib.suppress(client.ApiException):  # 404: it is deleted already
                self.core.delete_namespaced_pod(name, NAMESPACE, grace_period_seconds=0, _request_timeout=10)

    def delete_pods_and_volume(self, pod: str, *others: str) -> None:
        """Delete a member's pod with its volume claim, and other pods; wait for the StatefulSet's new claim."""
        claim = f"data-{pod}"
        before = self._claim_id(claim)
        self.core.delete_namespaced_persistent_volume_claim(claim, NAMESPACE, _request_timeout=10)
        self.delete_pods(pod, *others)
        wait_for(f"a new {claim}", lambda: self._claim_id(claim) not in (None, before), 60)

    def agent_activity(self, pod: str) -> str:
        """Return what a member's agent is doing, from its /status; empty where it does not answer."""
        script = (
            "import json, urllib.request as u; print(json.load(u.urlopen('http://127.0.0.1:9091/status'))['doing'])"
        )
        with contextlib.suppress(AssertionError, subprocess.SubprocessError):
            return self.kubectl("exec", pod, "-c", "mysql-agent", "--", "python", "-c", script)
        return ""

    def lease_annotations(self) -> dict[str, str]:
        """Return the annotations of the agents' Lease, by name without prefix."""
        leases: Any = client.CoordinationV1Api()
        lease = leases.read_namespaced_lease("mysql", NAMESPACE, _request_timeout=10)
        return {key.rpartition("/")[2]: value for key, value in (lease.metadata.annotations or {}).items()}

    def events(self, reason: str, pod: str) -> int:
        """Count the Events of a member with this reason."""
        selector = f"reason={reason},involvedObject.name={pod}"
        return len(self.core.list_namespaced_event(NAMESPACE, field_selector=selector, _request_timeout=10).items)

    def volume_path(self, pod: str) -> Path:
        """Return the folder on the node that holds a member's volume."""
        claim = self.core.read_namespaced_persistent_volume_claim(f"data-{pod}", NAMESPACE, _request_timeout=10)
        spec = self.core.read_persistent_volume(claim.spec.volume_name, _request_timeout=10).spec
        return Path((spec.host_path or spec.local).path)

    def scale(self, replicas: int) -> None:
        """Change the number of members as a user does: by one value of the chart."""
        self.upgrade(f"mysql.replicas={replicas}")

    def upgrade(self, *values: str) -> None:
        """Change values of the chart, and wait until all pods are ready."""
        command = ["helm", "upgrade", RELEASE, "charts/efishery", "--namespace", NAMESPACE, "--reuse-values"]
        run(self._repository, *command, "--set", ",".join(values), "--wait", "--timeout", "5m", seconds=400)

    def run_cronjob(self, cronjob: str, job: str, **environment: str) -> None:
        """Run a CronJob's pod now, with other values of some variables, and wait until it has succeeded."""
        printed = self.kubectl("create", "job", job, f"--from=cronjob/{cronjob}", "--dry-run=client", "--output=json")
        manifest = json.loads(printed)
        variables = manifest["spec"]["template"]["spec"]["containers"][0]["env"]
        # A variable that comes later replaces one of the same name.
        variables += [{"name": name, "value": value} for name, value in environment.items()]
        run(self._repository, "kubectl", "--namespace", NAMESPACE, "create", "-f", "-", stdin=json.dumps(manifest))
        self.kubectl("wait", "--for=condition=complete", f"job/{job}", "--timeout=120s", seconds=130)
        self.kubectl("delete", "job", job)

    def mysql_image(self) -> str:
        """Return the image of MySQL in the StatefulSet's spec."""
        found = self.apps.read_namespaced_stateful_set(STATEFUL_SET, NAMESPACE, _request_timeout=10)
        return str(found.spec.template.spec.containers[0].image)

    def kubectl(self, *arguments: str, seconds: float = 60) -> str:
        """Run kubectl in the release's namespace."""
        return run(self._repository, "kubectl", "--namespace", NAMESPACE, *arguments, seconds=seconds)

    def gateway_url(self) -> str:
        """Return the URL of the API: E2E_URL, else that of the mesh's ingress gateway."""
        return os.environ.get("E2E_URL") or run(self._repository, "hack/gateway-url").strip()

    def describe(self) -> str:
        """Describe the platform in a few words."""
        kubernetes = client.VersionApi().get_code().git_version
        return f"{os.cpu_count()} CPUs, Kubernetes {kubernetes}, {self.mysql_image()}"

    def diagnosis(self) -> str:
        """Return pods, Lease and the agents' last log lines, for the message of a failed test."""
        selector = "app.kubernetes.io/name=mysql"
        commands = [
            ["get", "pods", "-l", selector, "-L", "role", "-o", "wide"],
            ["get", "lease", "mysql", "-o", 'jsonpath={.metadata.annotations}{.spec}{"\\n"}'],
            ["logs", "-l", selector, "-c", "mysql-agent", "--tail", "15", "--prefix", "--max-log-requests", "9"],
        ]
        return "\n".join(self._output(command) for command in commands)

    def _output(self, arguments: list[str]) -> str:
        command = ["kubectl", "--namespace", NAMESPACE, "--request-timeout", "10s", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return "\n".join(line[:240] for line in (done.stdout + done.stderr).splitlines())

    def _claim_id(self, claim: str) -> str | None:
        try:
            found = self.core.read_namespaced_persistent_volume_claim(claim, NAMESPACE, _request_timeout=10)
        except client.ApiException:
            return None
        return None if found.metadata.deletion_timestamp else str(found.metadata.uid)


def _is_ready(pod: Any) -> bool:
    return any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or [])


def client_pod(name: str, image: str, script: str, environment: dict[str, str], *, tls: bool) -> dict[str, Any]:
    """Return the manifest of a pod that runs `script` as auth's ServiceAccount, which may connect to MySQL."""
    secret = {"secretKeyRef": {"name": "mysql", "key": "password"}}
    variables = [{"name": key, "value": value} for key, value in environment.items()]
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", script],
        "env": [*variables, {"name": "WORKLOAD_PASSWORD", "valueFrom": secret}],
        "volumeMounts": [{"name": "tls", "mountPath": "/etc/mysql-tls", "readOnly": True}] if tls else [],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    volume = {"name": "tls", "secret": {"secretName": "mysql-tls", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
    # Those of the CronJob auth-prune: no Service selects them, and the NetworkPolicies let them connect to MySQL.
    labels = {"app.kubernetes.io/instance": RELEASE, "app.kubernetes.io/name": "auth-prune"}
    user = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "metadata": {"name": name, "labels": labels, "annotations": {"sidecar.istio.io/nativeSidecar": "true"}},
        "spec": {
            "securityContext": user,
            "containers": [container],
            "volumes": [volume] if tls else [],
            "restartPolicy": "Never",
            "serviceAccountName": "auth",
            "automountServiceAccountToken": False,
        },
    }
