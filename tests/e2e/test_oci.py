"""A second release, in a namespace of its own, by Helm 4: charts and images from a registry, images by digest.

Its pods run with a user id that the images do not know. An upgrade turns the autoscaler of fetch on.
"""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e import foreign_uid, removal
from tests.e2e.cluster import Cluster, forwarded, run, wait_for
from tests.e2e.conftest import Gateway
from tests.e2e.registry import Published, publish

RELEASE = "second"
VALUES = (
    *("auth.replicas=1", "fetch.replicas=1", "docs.replicas=1", "mysql.replicas=1", "sample.enabled=true"),
    # Two CPUs have room for both releases.
    *("auth.resources.requests.cpu=20m", "fetch.resources.requests.cpu=20m", "mysql.resources.requests.cpu=50m"),
    "global.compatibility.randomUid=true",
)
AUTOSCALED = 2  # pods of fetch, of which Helm sets no number any more


@pytest.fixture(scope="module")
def published(repository: Path) -> Published:
    return publish(repository)


def helm4(repository: Path, plugins: Path, *arguments: str) -> None:
    """Run Helm 4."""
    run(repository, "env", f"HELM_PLUGINS={plugins}", "helm4", *arguments)


@pytest.mark.timeout(480, func_only=True)  # without the time to build the images
def test_a_second_release_from_a_registry_and_what_its_removal_leaves(
    cluster: Cluster,
    gateway: Gateway,
    repository: Path,
    published: Published,
    tmp_path: Path,
) -> None:
    registry, digests = published.registry, published.digests()
    values = [*VALUES, f"global.image.registry={registry}", *published.digest_values()]
    chart = [published.chart, "--version", published.version]
    chart += [] if published.has_tls else ["--plain-http"]
    chart += ["--post-renderer", foreign_uid.NAME, "--wait", "--timeout", "4m"]
    foreign_uid.write_plugin(tmp_path)
    helm = functools.partial(helm4, repository, tmp_path)
    with cluster.temporary_namespace(**{"istio-injection": "enabled"}) as namespace:
        place = ["--namespace", namespace]
        helm("install", RELEASE, *chart, *place, *sets(*values), "--wait-for-jobs")
        assert images_of_pods(cluster, namespace) == {f"{registry}/efishery/{s}@{d}" for s, d in digests.items()}
        check_isolation(cluster, gateway, namespace)
        helm("test", RELEASE, *place, "--timeout", "2m")
        check_users(cluster, namespace)
        check_autoscaling(cluster, namespace, functools.partial(helm, "upgrade", RELEASE, *chart, *place))

        helm("uninstall", RELEASE, *place, "--wait", "--timeout", "2m")
        removal.wait_until_left(repository, namespace, removal.LEFT)
        removal.remove_the_rest(repository, namespace)
        removal.wait_until_left(repository, namespace, set())


def sets(*values: str) -> list[str]:
    """Return Helm's options for values."""
    return [word for value in values for word in ("--set", value)]


def check_users(cluster: Cluster, namespace: str) -> None:
    """Every pod runs, or has run, with the foreign user id, those of hooks and tests too."""
    pods = cluster.core.list_namespaced_pod(namespace).items
    users = {pod.metadata.name: pod.spec.security_context.run_as_user for pod in pods}
    assert set(users.values()) == {foreign_uid.UID}, users
    assert {"mysql-0", "mysql-test", "helm-test"} <= users.keys()


def check_autoscaling(cluster: Cluster, namespace: str, upgrade: Callable[..., None]) -> None:
    """The autoscaler decides how many pods fetch has, and a later upgrade leaves that number alone."""

    def pods() -> int:
        number: int = cluster.apps.read_namespaced_deployment("fetch", namespace).spec.replicas
        return number

    number = [f"fetch.autoscaling.{name}={AUTOSCALED}" for name in ("minReplicas", "maxReplicas")]
    upgrade("--reuse-values", *sets("fetch.autoscaling.enabled=true", *number))
    wait_for(f"{AUTOSCALED} pods of fetch", lambda: pods() == AUTOSCALED, 60)
    upgrade("--reuse-values", "--no-hooks", *sets("fetch.autoscaling.cpuUtilization=90"))
    assert pods() == AUTOSCALED


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
