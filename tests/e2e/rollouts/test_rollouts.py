"""200 requests a second through the gateway while pods are replaced, killed, added and removed."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.charts import helm
from tests.e2e.cluster import NAMESPACE, Cluster, run, wait_for
from tests.e2e.conftest import Gateway, Headers
from tests.e2e.rollouts import load

RATE = 200  # requests a second
KILLED = 0.001  # the share of the requests that may fail when a pod is killed
KILL_SECONDS = 20  # the least time in which that share is measured
LEAST, MOST = 2, 6
PODS = "app.kubernetes.io/name=fetch"
# What SIGKILL does to the service, as when it has used up its memory: the first process ends with the others.
KILL = """
import os, signal
for name in os.listdir("/proc"):
    if name.isdecimal() and int(name) not in (1, os.getpid()):
        os.kill(int(name), signal.SIGKILL)
"""


def kubectl(repository: Path, *arguments: str) -> str:
    """Run kubectl in the namespace of the release."""
    return run(repository, "kubectl", "-n", NAMESPACE, *arguments)


def ready_pods(cluster: Cluster) -> set[tuple[str, int]]:
    """Return name and restarts of each pod of fetch; nothing if one of them is not ready."""
    pods = cluster.core.list_namespaced_pod(NAMESPACE, label_selector=PODS).items
    ready = [any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or []) for pod in pods]
    if not all(ready):
        return set()
    return {(pod.metadata.name, sum(c.restart_count for c in pod.status.container_statuses)) for pod in pods}


def wait_for_pods(cluster: Cluster, number: int, seconds: float = 120) -> set[tuple[str, int]]:
    """Wait until fetch has this number of pods, and all are ready; return them."""

    def settled() -> set[tuple[str, int]] | None:
        pods = ready_pods(cluster)
        return pods if len(pods) == number else None

    return wait_for(f"{number} ready pods of fetch", settled, seconds)


@pytest.fixture(autouse=True)
def pods(cluster: Cluster) -> set[tuple[str, int]]:
    """The two pods, before the test."""
    return wait_for_pods(cluster, LEAST)


@pytest.fixture
def token(gateway: Gateway, user: Headers) -> Headers:
    """A token that each pod has accepted before the load begins."""
    wait_for("the token", lambda: all(gateway.get("/fetch/claims", user).status_code == 200 for _ in range(10)))
    return user


def autoscale(repository: Path, folder: Path, most: int) -> None:
    """Apply the chart's HorizontalPodAutoscaler of fetch, with a highest number of pods."""
    values = (
        "sample.enabled=true",
        "fetch.autoscaling.enabled=true",
        "fetch.autoscaling.cpuUtilization=20",  # low, so that a fast machine also needs the highest number of pods
        f"fetch.autoscaling.maxReplicas={most}",
    )
    options = [option for value in values for option in ("--set", value)]
    manifest = folder / "hpa.yaml"
    manifest.write_text(helm.template("efishery", "--show-only", "templates/fetch/hpa.yaml", *options).stdout)
    kubectl(repository, "apply", "-f", str(manifest))


@pytest.fixture
def autoscaled(repository: Path) -> Iterator[None]:
    """At the end, no autoscaler, and the number of pods from before."""
    yield
    kubectl(repository, "delete", "hpa", "fetch", "--ignore-not-found")
    kubectl(repository, "scale", "deployment/fetch", f"--replicas={LEAST}")


@pytest.mark.timeout(240)
def test_a_rolling_update_fails_no_request(repository: Path, gateway: Gateway, token: Headers, tmp_path: Path) -> None:
    deployments = ("deployment/fetch", "deployment/auth", "deployment/docs")
    with load.running(tmp_path, gateway, token, RATE) as sent:
        kubectl(repository, "rollout", "restart", *deployments)
        for deployment in deployments:
            kubectl(repository, "rollout", "status", deployment, "--timeout=180s")
    print(f"rolling update of auth, fetch and docs: {sent}")  # noqa: T201 -- shown with -s, for docs/operations.md
    assert not sent.failures, str(sent)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("killed", ["pod", "process"])
def test_a_killed_pod_fails_hardly_a_request(
    repository: Path,
    cluster: Cluster,
    gateway: Gateway,
    token: Headers,
    pods: set[tuple[str, int]],
    tmp_path: Path,
    killed: str,
) -> None:
    name = min(pods)[0]
    delete = ["kubectl", "-n", NAMESPACE, "delete", "pod", name, "--grace-period=0", "--force"]
    kill = ["kubectl", "-n", NAMESPACE, "exec", name, "-c", "fetch", "--", "python", "-c", KILL]
    started = time.monotonic()
    with load.running(tmp_path, gateway, token, RATE) as sent:
        # kubectl exec fails, as its own process is killed too.
        subprocess.run(delete if killed == "pod" else kill, capture_output=True, check=False, timeout=60)
        wait_for("another pod or a restart", lambda: len(ready_pods(cluster) - pods) == 1)
        wait_for("enough requests", lambda: time.monotonic() > started + KILL_SECONDS)
    print(f"{killed} of fetch killed: {sent}")  # noqa: T201 -- shown with -s
    assert sent.failed_share <= KILLED, str(sent)


@pytest.mark.timeout(360)
@pytest.mark.usefixtures("autoscaled")
def test_the_autoscaler_fails_no_request(
    repository: Path, cluster: Cluster, gateway: Gateway, token: Headers, tmp_path: Path
) -> None:
    with load.running(tmp_path, gateway, token, RATE) as sent:
        started = time.monotonic()
        autoscale(repository, tmp_path, MOST)
        wait_for_pods(cluster, MOST, 150)
        up = time.monotonic() - started
        # At this rate it would keep all pods: with a lower limit it removes them under the full load, at once.
        autoscale(repository, tmp_path, LEAST)
        wait_for_pods(cluster, LEAST, 180)
    print(f"{LEAST} to {MOST} pods in {up:.0f} s and back: {sent}")  # noqa: T201 -- shown with -s
    assert not sent.failures, str(sent)
