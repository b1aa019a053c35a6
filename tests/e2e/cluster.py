"""Kubernetes operations of the tests on a cluster."""

import base64
import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from kubernetes import client, config

NAMESPACE = "efishery"
RELEASE = "efishery"
TEST_POD = {"e2e": "test"}
"""Label of the tests' pods."""
# The network admits a new pod only some seconds after its start: until then it is refused, or its proxy answers 503.
WAIT_FOR_NETWORK = f"""
import http.client, time
for _ in range(60):
    try:
        connection = http.client.HTTPConnection("auth.{NAMESPACE}.svc.cluster.local", timeout=5)
        connection.request("GET", "/")
        if connection.getresponse().status != 503:
            break
    except ConnectionResetError:  # by the proxy of auth: the network has let it through
        break
    except OSError:
        pass
    time.sleep(0.5)
"""

T = TypeVar("T")


def wait_for(what: str, probe: Callable[[], T | None], seconds: float = 120) -> T:
    """Call `probe` until it returns a truthy value and return that; fail with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < deadline, f"timed out after {seconds} s waiting for {what}"
        time.sleep(0.5)


def run(repository: Path, *command: str, seconds: float = 300, stdin: str | None = None) -> str:
    """Run a program in the repository's root; return its stdout, or fail with its whole output."""
    done = subprocess.run(
        command, cwd=repository, input=stdin, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def cluster_kind(repository: Path) -> str:
    """Return kind, minikube, one-node or other, for the current kubectl context."""
    return run(repository, "bash", "-c", "source hack/lib.sh; cluster_kind").strip()


@contextmanager
def forwarded(namespace: str, service: str) -> Iterator[str]:
    """Reach a Service as NOTES.txt says; yield its URL."""
    command = ["kubectl", "-n", namespace, "port-forward", f"service/{service}", ":80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        try:
            line = running.stdout.readline()
            port = re.search(r"127\.0\.0\.1:(\d+)", line)
            assert port, line
            yield f"http://127.0.0.1:{port[1]}"
        finally:
            running.terminate()


def unique_name() -> str:
    """Make a name for an object of one test."""
    return f"e2e-{uuid.uuid4().hex[:8]}"


class Cluster:
    """The cluster of the current kubectl context, with the system installed."""

    def __init__(self) -> None:
        config.load_kube_config()  # type: ignore[no-untyped-call]  # the client leaves this one untyped
        # Any: in the client's types all fields of all objects are optional.
        self.core: Any = client.CoreV1Api()
        self.batch: Any = client.BatchV1Api()
        self.apps: Any = client.AppsV1Api()
        self.networking: Any = client.NetworkingV1Api()
        self.custom: Any = client.CustomObjectsApi()

    def secret(self, name: str, namespace: str = NAMESPACE) -> dict[str, str]:
        """Return a Secret's data, decoded."""
        data: dict[str, str] = self.core.read_namespaced_secret(name, namespace).data
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def pod_address(self, namespace: str, selector: str) -> str:
        """Return the IP address of a running pod with these labels."""
        pods = self.core.list_namespaced_pod(
            namespace, label_selector=selector, field_selector="status.phase=Running"
        ).items
        address: str = next(pod.status.pod_ip for pod in pods if not pod.metadata.deletion_timestamp)
        return address

    @contextmanager
    def temporary_namespace(self, **labels: str) -> Iterator[str]:
        """Create a namespace, outside the mesh unless a label enables injection, and delete it at the end."""
        name = unique_name()
        self.core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name, labels=labels)))
        try:
            wait_for("the default ServiceAccount", lambda: self.core.list_namespaced_service_account(name).items)
            yield name
        finally:
            self.core.delete_namespace(name)

    @contextmanager
    def network_open_to_tests(self) -> Iterator[None]:
        """Let this class's pods connect to those of the release, so that the mesh alone judges them."""
        name = unique_name()
        anywhere = {"namespaceSelector": {}, "podSelector": {"matchLabels": TEST_POD}}
        release = {"matchLabels": {"app.kubernetes.io/instance": RELEASE}}
        spec = {"podSelector": release, "policyTypes": ["Ingress"], "ingress": [{"from": [anywhere]}]}
        body = {"metadata": {"name": name}, "spec": spec}
        self.networking.create_namespaced_network_policy(NAMESPACE, body)
        try:
            yield
        finally:
            self.networking.delete_namespaced_network_policy(name, NAMESPACE)

    def run_python(
        self, namespace: str, script: str, *, account: str = "default", labels: dict[str, str] = TEST_POD
    ) -> str:
        """Run `script` in a new pod with auth's image; return its output, or fail with it."""
        name = unique_name()
        if labels == TEST_POD:
            script = WAIT_FOR_NETWORK + script
        self.core.create_namespaced_pod(namespace, self._python_pod(name, script, account, labels))
        try:
            phase = wait_for(f"pod {namespace}/{name} to end", lambda: self._ended(namespace, name))
            output: str = self.core.read_namespaced_pod_log(name, namespace, container="main")
            assert phase == "Succeeded", output
            return output
        finally:
            self.core.delete_namespaced_pod(name, namespace, grace_period_seconds=0)

    @contextmanager
    def python_server(self, namespace: str, script: str, port: int) -> Iterator[str]:
        """Run `script`, an HTTP server on `port`, in a new pod behind a Service; yield the name of both."""
        name = unique_name()
        pod: Any = self._python_pod(name, script, "default", {"app": name})
        service = client.V1ServiceSpec(selector={"app": name}, ports=[client.V1ServicePort(name="http", port=port)])
        self.core.create_namespaced_service(
            namespace, client.V1Service(metadata=client.V1ObjectMeta(name=name), spec=service)
        )
        self.core.create_namespaced_pod(namespace, pod)
        try:
            wait_for(f"pod {namespace}/{name} to be ready", lambda: self._ready(namespace, name))
            yield name
        finally:
            self.core.delete_namespaced_pod(name, namespace, grace_period_seconds=0)
            self.core.delete_namespaced_service(name, namespace)

    def _ready(self, namespace: str, name: str) -> bool:
        conditions = self.core.read_namespaced_pod(name, namespace).status.conditions or []
        return any(c.type == "Ready" and c.status == "True" for c in conditions)

    def create_virtual_service(self, namespace: str, name: str, spec: dict[str, Any]) -> None:
        """Create a VirtualService; it ends with its namespace."""
        api = "networking.istio.io"
        body = {"apiVersion": f"{api}/v1", "kind": "VirtualService", "metadata": {"name": name}, "spec": spec}
        self.custom.create_namespaced_custom_object(api, "v1", namespace, "virtualservices", body)

    def _ended(self, namespace: str, name: str) -> str | None:
        phase: str = self.core.read_namespaced_pod(name, namespace).status.phase
        return phase if phase in ("Succeeded", "Failed") else None

    def _python_pod(self, name: str, script: str, account: str, labels: dict[str, str]) -> client.V1Pod:
        image = self.apps.read_namespaced_deployment("auth", NAMESPACE).spec.template.spec.containers[0].image
        container = client.V1Container(
            name="main",
            image=image,
            image_pull_policy="IfNotPresent",
            command=["python", "-c", script],
            security_context=client.V1SecurityContext(
                allow_privilege_escalation=False, capabilities=client.V1Capabilities(drop=["ALL"])
            ),
        )
        spec = client.V1PodSpec(
            containers=[container],
            # What Pod Security "restricted" asks for, which the namespace enforces.
            security_context=client.V1PodSecurityContext(
                run_as_non_root=True, run_as_user=65532, seccomp_profile=client.V1SeccompProfile(type="RuntimeDefault")
            ),
            restart_policy="Never",
            service_account_name=account,
            automount_service_account_token=False,
        )
        return client.V1Pod(metadata=client.V1ObjectMeta(name=name, labels=labels), spec=spec)

    @contextmanager
    def job_of_cronjob(self, name: str, condition: str = "Complete") -> Iterator[str]:
        """Create a Job from a CronJob, as `kubectl create job --from` does, and wait until it ends with `condition`."""
        job = unique_name()
        template = self.batch.read_namespaced_cron_job(name, NAMESPACE).spec.job_template
        body = client.V1Job(metadata=client.V1ObjectMeta(name=job), spec=template.spec)
        self.batch.create_namespaced_job(NAMESPACE, body)
        try:
            self.wait_for_job(job, condition)
            yield job
        finally:
            self.delete_job(job)

    @contextmanager
    def suspended_cronjob(self, name: str) -> Iterator[None]:
        """Suspend a CronJob, and wait until none of its Jobs runs."""
        self.batch.patch_namespaced_cron_job(name, NAMESPACE, {"spec": {"suspend": True}})
        try:
            wait_for(f"the Jobs of {name} to end", lambda: not self._active(name), seconds=300)
            yield
        finally:
            self.batch.patch_namespaced_cron_job(name, NAMESPACE, {"spec": {"suspend": False}})

    def _active(self, cronjob: str) -> list[Any]:
        return self.batch.read_namespaced_cron_job(cronjob, NAMESPACE).status.active or []

    def scale(self, deployment: str, replicas: int) -> None:
        """Set the replicas of a Deployment and wait until that many are ready."""
        self.apps.patch_namespaced_deployment_scale(deployment, NAMESPACE, {"spec": {"replicas": replicas}})

        def scaled() -> bool:
            status = self.apps.read_namespaced_deployment(deployment, NAMESPACE).status
            return (status.ready_replicas or 0) == (status.replicas or 0) == replicas

        wait_for(f"{replicas} ready pods of {deployment}", scaled, 180)

    def redis_cli(self, repository: Path, *command: str) -> str:
        """Run redis-cli as admin in the pod of Redis; return its output."""
        inside = ["kubectl", "-n", NAMESPACE, "exec", "deployment/redis", "-c", "redis", "--"]
        login = ["--user", "admin", "--pass", self.secret("redis")["admin-password"]]
        return run(repository, *inside, "redis-cli", "-e", "--no-auth-warning", *login, *command).strip()

    def wait_for_job(self, job: str, condition: str = "Complete") -> None:
        """Wait until a Job ends; fail if it ends with another condition (`Complete`, `Failed`)."""
        conditions = wait_for(f"the Job {job} to end", lambda: self._conditions(job), seconds=180)
        assert condition in conditions, f"Job {job}: {conditions}"

    def failed_pods(self, job: str) -> int:
        """Return the number of a Job's pods that have failed."""
        return self.batch.read_namespaced_job(job, NAMESPACE).status.failed or 0

    def delete_job(self, job: str) -> None:
        """Delete a Job and its pods."""
        self.batch.delete_namespaced_job(job, NAMESPACE, propagation_policy="Background")

    def _conditions(self, job: str) -> list[str]:
        status = self.batch.read_namespaced_job(job, NAMESPACE).status
        return [c.type for c in status.conditions or [] if c.status == "True" and c.type in ("Complete", "Failed")]
