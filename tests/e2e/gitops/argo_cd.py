"""Argo CD's application controller and repository server as processes beside the tests, and an Application.

Custom resources and settings are those of Argo CD's own manifests, in the namespace `argocd`, where its Redis runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml
from kubernetes.client.exceptions import ApiException

from tests.e2e.cluster import Cluster, cluster_kind, run, wait_for
from tests.e2e.processes import running
from tests.e2e.registry import Published
from tests.system.running import free_port

NAMESPACE = "argocd"
GROUP, VERSION = "argoproj.io", "v1alpha1"
PLACE = (GROUP, VERSION, NAMESPACE, "applications")
REFRESH = "argocd.argoproj.io/refresh"
FINALIZER = "resources-finalizer.argocd.argoproj.io"  # deletes the objects with the Application
MODULE = "github.com/argoproj/argo-cd/v3"
Body = dict[str, Any]


@contextmanager
def argo_cd(cluster: Cluster, repository: Path, published: Published, folder: Path) -> Iterator[None]:
    """Run both programs until the end of the block; their logs are in `folder`.

    They reach Redis at its pod's address, which on other clusters than the one-node cluster only pods reach.
    """
    kind = cluster_kind(repository)
    assert kind == "one-node", f"this test runs on the one-node cluster, not on {kind}: make cluster"
    run(repository, "hack/tools", "argocd", seconds=1800)
    with _namespace(cluster, repository, published) as redis:
        common = [f"--redis={redis}", "--loglevel=info", "--logformat=text"]
        port, *metrics = (free_port() for _ in range(3))
        server = [f"--port={port}", f"--metrics-port={metrics[0]}", "--address=127.0.0.1", "--disable-tls"]
        controller = [f"--repo-server=127.0.0.1:{port}", "--repo-server-plaintext", f"--metrics-port={metrics[1]}"]
        controller.append(f"--namespace={NAMESPACE}")
        with (
            _process(repository, folder, "argocd-repo-server", [*server, *common], metrics[0]),
            _process(repository, folder, "argocd-application-controller", [*controller, *common], metrics[1]),
        ):
            yield


@contextmanager
def _namespace(cluster: Cluster, repository: Path, published: Published) -> Iterator[str]:
    """Apply Argo CD's manifests, a project and the registry; yield the address of Redis. Delete all at the end."""
    sources = run(repository, "go", "-C", "hack/one-node/argocd", "list", "-m", "-f", "{{.Dir}}", MODULE).strip()
    own = yaml.safe_dump_all([_project(), _repository(published), _redis()])
    definitions = ["-k", f"{sources}/manifests/crds"]
    inside = ("kubectl", "-n", NAMESPACE)
    assert not _is_served(cluster), "the cluster has an Argo CD already, which this test would remove in the end"
    run(repository, "kubectl", "create", "namespace", NAMESPACE)
    try:
        run(repository, "kubectl", "apply", "--server-side", *definitions)
        wait_for("the API of Argo CD", lambda: _is_served(cluster), 60)
        run(repository, *inside, "apply", "-k", f"{sources}/manifests/base/config")
        run(repository, *inside, "apply", "-f", "-", stdin=own)
        run(repository, *inside, "wait", "--for=condition=Ready", "pod/redis", "--timeout=60s")
        yield f"{cluster.pod_address(NAMESPACE, 'app=redis')}:6379"
    finally:
        _forget_applications(cluster)
        run(repository, "kubectl", "delete", "namespace", NAMESPACE)
        run(repository, "kubectl", "delete", "--ignore-not-found", *definitions)


def _is_served(cluster: Cluster) -> bool:
    try:
        found = cluster.custom.get_api_resources(GROUP, VERSION).resources
    except ApiException:
        return False
    return {"applications", "appprojects"} <= {each.name for each in found}


def _forget_applications(cluster: Cluster) -> None:
    """Remove the finalizers: the controller that would obey them has ended, and the namespace waits for them."""
    if _is_served(cluster):
        for each in cluster.custom.list_namespaced_custom_object(*PLACE)["items"]:
            body: Body = {"metadata": {"finalizers": []}}
            cluster.custom.patch_namespaced_custom_object(*PLACE, each["metadata"]["name"], body)


def _redis() -> Body:
    container = {
        "name": "redis",
        "image": "redis:8",
        "command": ["redis-server", "--save", "", "--protected-mode", "no"],
    }
    metadata = {"name": "redis", "labels": {"app": "redis"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def _project() -> Body:
    """The project that Argo CD's API server makes, which does not run here."""
    anything = {"group": "*", "kind": "*"}
    spec = {"sourceRepos": ["*"], "destinations": [{"namespace": "*", "server": "*"}]}
    metadata = {"name": "default"}
    return _object("AppProject", metadata, spec | {"clusterResourceWhitelist": [anything]})


def _repository(published: Published) -> Body:
    labels = {"argocd.argoproj.io/secret-type": "repository"}
    data = {"type": "oci", "url": published.chart, "insecureOCIForceHttp": str(not published.has_tls).lower()}
    metadata = {"name": "charts", "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def _object(kind: str, metadata: Body, spec: Body) -> Body:
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": metadata, "spec": spec}


@contextmanager
def _process(repository: Path, folder: Path, name: str, options: list[str], metrics: int) -> Iterator[None]:
    """Run a part of Argo CD, all of which are one program."""
    environment = {
        "ARGOCD_BINARY_NAME": name,
        "ARGOCD_FAKE_IN_CLUSTER": "true",  # https://kubernetes.default.svc is the cluster of KUBECONFIG
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_TLS_DATA_PATH": str(folder / "tls"),
        "ARGOCD_SSH_DATA_PATH": str(folder / "ssh"),
    }
    variables = (f"{key}={value}" for key, value in environment.items())

    def is_ready() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{metrics}/healthz", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False

    command: list[str | Path] = ["env", *variables, repository / ".tools/bin/argocd", *options]
    with running(command, folder / f"{name}.log", is_ready):
        yield


class Application:
    """An Application of the chart, synced automatically as charts/efishery/README.md shows it."""

    def __init__(self, cluster: Cluster, name: str, documented: Body) -> None:
        self._api = cluster.custom
        self.name = name
        metadata = documented["metadata"] | {"name": name, "namespace": NAMESPACE}
        self._api.create_namespaced_custom_object(*PLACE, documented | {"metadata": metadata})

    @property
    def status(self) -> Body:
        """What Argo CD says of it."""
        status: Body = self._read().get("status", {})
        return status

    def _read(self) -> Body:
        found: Body = self._api.get_namespaced_custom_object(*PLACE, self.name)
        return found

    def operation(self) -> Body:
        """The last sync."""
        found: Body = self.status.get("operationState", {})
        return found

    def patch(self, body: Body) -> None:
        """Change it, by a JSON merge patch."""
        self._api.patch_namespaced_custom_object(*PLACE, self.name, body)

    def wait_for_sync(self, seconds: float, after: str = "") -> Body:
        """Wait until a sync that began after `after` (RFC 3339) has succeeded, and all is healthy; return it."""

        def synced() -> Body | None:
            status = self.status
            operation = status.get("operationState", {})
            assert operation.get("phase") not in ("Failed", "Error"), operation
            done = operation.get("phase") == "Succeeded" and operation["startedAt"] > after
            healthy = status.get("sync", {}).get("status") == "Synced" and status["health"]["status"] == "Healthy"
            return operation if done and healthy else None

        return wait_for(f"Application {self.name} to be synced and healthy, see its controller's log", synced, seconds)

    def refresh(self) -> None:
        """Compare with a new rendering, and wait until that is done."""
        self.patch({"metadata": {"annotations": {REFRESH: "hard"}}})

        def compared() -> bool:  # the controller has removed the annotation
            return REFRESH not in self._read()["metadata"].get("annotations", {})

        wait_for(f"Application {self.name} to be compared again", compared, 60)

    def delete(self, seconds: float) -> None:
        """Delete it with its objects, and wait until they are gone."""
        self.patch({"metadata": {"finalizers": [FINALIZER]}})
        self._api.delete_namespaced_custom_object(*PLACE, self.name)

        def names() -> set[str]:
            items = self._api.list_namespaced_custom_object(*PLACE)["items"]
            return {each["metadata"]["name"] for each in items}

        wait_for(f"Application {self.name} to end", lambda: self.name not in names(), seconds)
