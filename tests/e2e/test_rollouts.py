"""200 requests a second through the gateway while pods are replaced, killed, added and removed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.charts import helm
from tests.e2e import load
from tests.e2e.cluster import NAMESPACE, Cluster, run, wait_for
from tests.e2e.conftest import Gateway, Headers

RATE = 200  # requests a second
LOW_RATE = 20  # at which the autoscaler removes pods
KILLED = 0.001  # the share of the requests that may fail when a pod is killed
SECONDS = 15  # of load after a pod was killed
LEAST, MOST = 2, 6
PODS = "app.kubernetes.io/name=fetch"
# The chart's autoscaler, except that it removes pods at once: by default it waits for five minutes.
AUTOSCALING = (
    "sample.enabled=true",
    "fetch.autoscaling.enabled=true",
    f"fetch.autoscaling.maxReplicas={MOST}",
    "fetch.autoscaling.behavior.scaleDown.stabilizationWindowSeconds=0",
    "fetch.autoscaling.behavior.scaleDown.policies[0].type=Pods",
    f"fetch.autoscaling.behavior.scaleDown.policies[0].value={MOST}",
    "fetch.autoscaling.behavior.scaleDown.policies[0].periodSeconds=15",
)


def kubectl(repository: Path, *arguments: str) -> str:
    """Run kubectl in the namespace of the release."""
    return run(repository, "kubectl", "-n", NAMESPACE, *arguments)


def is_settled(cluster: Cluster, number: int) -> bool:
    """Tell whether fetch has this number of pods, and all are ready."""
    status = cluster.apps.read_namespaced_deployment("fetch", NAMESPACE).status
    pods = cluster.core.list_namespaced_pod(NAMESPACE, label_selector=PODS).items
    return len(pods) == number and status.ready_replicas == number


@pytest.fixture(autouse=True)
def settled(cluster: Cluster) -> None:
    """Begin with two pods."""
    wait_for("two ready pods of fetch", lambda: is_settled(cluster, LEAST))


@pytest.fixture
def token(gateway: Gateway, user: Headers) -> Headers:
    """A token that each pod has accepted before the load begins."""
    wait_for("the token", lambda: all(gateway.get("/fetch/claims", user).status_code == 200 for _ in range(10)))
    return user


@contextmanager
def autoscaler(repository: Path) -> Iterator[None]:
    """Apply the chart's HorizontalPodAutoscaler of fetch; at the end delete it and set the number of pods again."""
    values = [option for value in AUTOSCALING for option in ("--set", value)]
    rendered = helm.template("efishery", "--show-only", "templates/fetch/hpa.yaml", *values)
    manifest = repository / ".tools/hpa.yaml"
    manifest.write_text(rendered.stdout)
    kubectl(repository, "apply", "-f", str(manifest))
    try:
        yield
    finally:
        kubectl(repository, "delete", "-f", str(manifest))
        kubectl(repository, "scale", "deployment/fetch", f"--replicas={LEAST}")


@pytest.mark.timeout(240)
def test_a_rolling_update_fails_no_request(repository: Path, gateway: Gateway, token: Headers, tmp_path: Path) -> None:
    deployments = ("deployment/fetch", "deployment/auth")
    with load.running(tmp_path, gateway, token, RATE) as sent:
        kubectl(repository, "rollout", "restart", *deployments)
        for deployment in deployments:
            kubectl(repository, "rollout", "status", deployment, "--timeout=180s")
    print(f"rolling update of auth and fetch: {sent}")  # noqa: T201 -- shown with -s, for docs/operations.md
    assert not sent.failures, str(sent)


@pytest.mark.timeout(120)
def test_a_killed_pod_fails_hardly_a_request(
    repository: Path, cluster: Cluster, gateway: Gateway, token: Headers, tmp_path: Path
) -> None:
    pod = cluster.core.list_namespaced_pod(NAMESPACE, label_selector=PODS).items[0].metadata.name
    with load.running(tmp_path, gateway, token, RATE) as sent:
        kubectl(repository, "delete", "pod", pod, "--grace-period=0", "--force")
        wait_for("another pod", lambda: is_settled(cluster, LEAST))
    print(f"a pod of fetch killed: {sent}")  # noqa: T201
    assert sent.failed_share <= KILLED, str(sent)


@pytest.mark.timeout(300)
def test_the_autoscaler_fails_no_request(
    repository: Path, cluster: Cluster, gateway: Gateway, token: Headers, tmp_path: Path
) -> None:
    started = time.monotonic()
    with autoscaler(repository):
        with load.running(tmp_path, gateway, token, RATE) as high:
            wait_for(f"{MOST} pods of fetch", lambda: is_settled(cluster, MOST), 150)
            up = time.monotonic() - started
        with load.running(tmp_path, gateway, token, LOW_RATE) as low:
            wait_for(f"{LEAST} pods of fetch", lambda: is_settled(cluster, LEAST), 150)
    print(f"{LEAST} to {MOST} pods in {up:.0f} s: {high}; back to {LEAST}: {low}")  # noqa: T201
    assert not high.failures + low.failures, f"{high}\n{low}"
