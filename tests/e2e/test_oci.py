"""A second release, in a namespace of its own: charts and images from a registry, images by digest."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests
import yaml

from tests.e2e.cluster import Cluster, run, wait_for
from tests.e2e.conftest import Gateway

RELEASE = "second"
# The values that the images of each service belong to.
SERVICES = {
    "auth": "auth",
    "fetch": "fetch",
    "docs": "docs",
    "rate-cron": "rateCron",
    "sample": "sample",
    "mysql-agent": "mysql.agent",
}
VALUES = ("auth.replicas=1", "fetch.replicas=1", "docs.replicas=1", "mysql.replicas=1", "sample.enabled=true")
MANIFEST_TYPES = "application/vnd.oci.image.index.v1+json,application/vnd.docker.distribution.manifest.list.v2+json"
# What Kubernetes and Istio put into each namespace, and what follows its owner.
NOT_OF_A_RELEASE = re.compile(
    r"configmap/(kube-root-ca\.crt|istio-ca-.*)|serviceaccount/default|event.*|endpoint.*|pods?\.metrics.*"
    r"|pod/auth-(migrate|first-admin)-.*"
)
LEFT = {
    *(f"secret/{name}" for name in ("auth-first-admin", "auth-signing-key", "redis")),
    *(f"secret/{name}" for name in ("mysql", "mysql-migration", "mysql-tls")),
    "persistentvolumeclaim/data-mysql-0",
    "lease.coordination.k8s.io/mysql",
    "job.batch/auth-migrate",
    "job.batch/auth-first-admin",
    *(f"{kind}/helm-test" for kind in ("pod", "serviceaccount", "configmap")),
    "pod/mysql-test",
}


@pytest.fixture(scope="module")
def registry(repository: Path) -> str:
    """Return the registry that the cluster pulls from."""
    script = "source hack/lib.sh; [ $(cluster_kind) != one-node ] || one_node REGISTRY"
    found = os.environ.get("REGISTRY") or run(repository, "bash", "-c", script).strip()
    if not found:
        pytest.skip("needs a registry that this cluster pulls from: REGISTRY=registry.example make e2e")
    return found


@pytest.fixture(scope="module")
def version(repository: Path) -> str:
    chart = yaml.safe_load((repository / "charts/efishery/Chart.yaml").read_text())
    return str(chart["version"])


@pytest.fixture(scope="module")
def digests(repository: Path, registry: str, version: str) -> dict[str, str]:
    """Publish images and charts as README.md says; return the digest of each service's manifest list."""
    names = {"REGISTRY": registry, "IMAGE_TAG": version, "PUSH_IMAGE": "true", "PLATFORMS": "linux/amd64"}
    environment = [f"{name}={value}" for name, value in names.items()]
    run(repository, "env", *environment, "hack/images", *SERVICES)
    run(repository, "env", *environment, "hack/package")
    return {service: _digest(registry, service, version) for service in SERVICES}


def _digest(registry: str, service: str, version: str) -> str:
    scheme = "http" if registry.startswith("localhost:") else "https"
    url = f"{scheme}://{registry}/v2/efishery/{service}/manifests/{version}"
    response = requests.get(url, headers={"Accept": MANIFEST_TYPES}, timeout=30)
    assert response.status_code == 200, response.text
    (manifest,) = response.json()["manifests"]
    assert manifest["platform"]["architecture"] == "amd64"
    return response.headers["Docker-Content-Digest"]


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


def objects(repository: Path, namespace: str) -> set[str]:
    """Return the objects of all kinds in a namespace, as kind/name."""
    kinds = run(repository, "kubectl", "api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    listed = run(repository, "kubectl", "-n", namespace, "get", ",".join(kinds), "-o", "name", "--ignore-not-found")
    return {name for name in listed.split() if not NOT_OF_A_RELEASE.fullmatch(name)}


def documented_removal(repository: Path) -> list[str]:
    """Return the commands by which charts/efishery/README.md removes what `helm uninstall` leaves."""
    text = (repository / "charts/efishery/README.md").read_text()
    section = text.split("### What `helm uninstall` leaves")[1].split("###")[0]
    found = re.findall(r"`(kubectl delete [^`]*)`", section)
    assert len(found) == 3, found
    return [command for line in found for command in line.split("; ")]


@pytest.mark.timeout(480)
def test_a_second_release_from_a_registry_and_what_its_removal_leaves(
    cluster: Cluster, gateway: Gateway, repository: Path, registry: str, version: str, digests: dict[str, str]
) -> None:
    values = [*VALUES, f"global.image.registry={registry}"]
    values += [f"{SERVICES[service]}.image.digest={digest}" for service, digest in digests.items()]
    install = ["helm", "install", RELEASE, f"oci://{registry}/efishery/charts/efishery", "--version", version]
    install += ["--plain-http"] if registry.startswith("localhost:") else []
    sets = [word for value in values for word in ("--set", value)]
    with cluster.temporary_namespace(**{"istio-injection": "enabled"}) as namespace:
        place = ["--namespace", namespace]
        run(repository, *install, *place, *sets, "--wait", "--wait-for-jobs", "--timeout", "4m")
        assert images_of_pods(cluster, namespace) == {f"{registry}/efishery/{s}@{d}" for s, d in digests.items()}
        check_isolation(cluster, gateway, namespace)
        run(repository, "helm", "test", RELEASE, *place, "--timeout", "2m")

        run(repository, "helm", "uninstall", RELEASE, *place, "--wait", "--timeout", "2m")
        wait_until_left(repository, namespace, LEFT)

        for command in documented_removal(repository):
            run(repository, *shlex.split(command), *place)
        wait_until_left(repository, namespace, set())


def wait_until_left(repository: Path, namespace: str, expected: set[str]) -> None:
    """Wait until exactly these objects are left: pods end after the objects that own them."""
    with suppress(AssertionError):
        wait_for("the last pods to end", lambda: objects(repository, namespace) == expected, 60)
    assert sorted(objects(repository, namespace)) == sorted(expected)


def images_of_pods(cluster: Cluster, namespace: str) -> set[str]:
    """Return the images of this project in a namespace's pods."""
    pods = cluster.core.list_namespaced_pod(namespace).items
    images = {each.image for pod in pods for each in [*pod.spec.containers, *(pod.spec.init_containers or [])]}
    return {image for image in images if "/efishery/" in image}


def check_isolation(cluster: Cluster, gateway: Gateway, namespace: str) -> None:
    """The second release has another password for its first admin, and the first release refuses its tokens."""
    first, second = cluster.secret("auth-first-admin"), cluster.secret("auth-first-admin", namespace)
    assert first["password"] != second["password"]
    with forwarded(namespace, "auth") as url:
        token = Gateway(url).login(second["phone"], second["password"])
        assert Gateway(url).get("/auth/claims", token).status_code == 200
    assert gateway.get("/fetch/claims", token).status_code == 401
