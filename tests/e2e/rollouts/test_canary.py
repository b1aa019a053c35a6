"""The verbs of hack/canary under load: the canary gets its share of the requests, and no request fails."""

import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import NAMESPACE, RELEASE, Cluster, run, wait_for
from tests.e2e.conftest import Gateway, Headers
from tests.e2e.rollouts import load

RATE = 100  # requests a second
COUNTED = 800  # requests to fetch; of a weight of 10 %, the share in them is between 7 and 13 % in 99 of 100 cases
AFTER_SECONDS = 5  # of load after an abort
INSTANCE = "app.kubernetes.io/instance"
COUNT = """
import urllib.request
lines = urllib.request.urlopen("http://127.0.0.1:9090/metrics").read().decode().splitlines()
print(sum(float(line.split()[-1]) for line in lines if line.startswith("http_server_request_duration_seconds_count")))
"""
CLAIMS = "return success(current_claims())"  # a view that fetch calls for each request: it caches none of its answers


def run_canary(repository: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run hack/canary; return its exit code and its output."""
    command = ["hack/canary", *arguments]
    env = os.environ | {"IMAGE_TAG": ""} | environment  # hack/with-cluster sets it, and `set` would take it as given
    done = subprocess.run(command, cwd=repository, env=env, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr


def canary(repository: Path, *arguments: str, **environment: str) -> None:
    """Run hack/canary, or fail with its output."""
    code, printed = run_canary(repository, *arguments, **environment)
    assert code == 0, printed


def copy_with_an_error(repository: Path, folder: Path) -> Path:
    """Copy the working tree; in the copy, fetch answers the claims with 500. Its probes succeed."""
    ignored = shutil.ignore_patterns(".git", ".venv", ".tools", "__pycache__", ".*_cache")
    shutil.copytree(repository, folder / "copy", ignore=ignored)
    view = folder / "copy/libs/servicekit/src/servicekit/claims.py"
    before = view.read_text()
    assert before.count(CLAIMS) == 1
    view.write_text(before.replace(CLAIMS, 'raise RuntimeError("a bug, for a test")'))
    return folder / "copy"


def image(cluster: Cluster, deployment: str) -> str | None:
    """Return the image of a Deployment, or None if it does not exist."""
    found = cluster.apps.list_namespaced_deployment(NAMESPACE, field_selector=f"metadata.name={deployment}").items
    return str(found[0].spec.template.spec.containers[0].image) if found else None


def answered(repository: Path, cluster: Cluster) -> Counter[str]:
    """Return how many requests each instance of fetch has answered, by its label."""
    counts: Counter[str] = Counter()
    for pod in cluster.core.list_namespaced_pod(NAMESPACE, label_selector="app.kubernetes.io/name=fetch").items:
        command = ["kubectl", "-n", NAMESPACE, "exec", pod.metadata.name, "-c", "fetch", "--", "python", "-c", COUNT]
        counts[pod.metadata.labels[INSTANCE]] += int(float(run(repository, *command)))
    return counts


def share(repository: Path, cluster: Cluster) -> float:
    """Return the canary's share of the next COUNTED requests."""
    before = answered(repository, cluster)

    def since() -> Counter[str] | None:
        counts = answered(repository, cluster) - before
        return counts if counts.total() > COUNTED else None

    counts = wait_for(f"{COUNTED} requests", since, 60)
    return counts[f"{RELEASE}-canary"] / counts.total()


@pytest.fixture
def stable(repository: Path, cluster: Cluster) -> Iterator[str | None]:
    """The image of the stable pods, which they have again at the end."""
    yield image(cluster, "fetch")
    values = ["--set", "fetch.image.tag=", "--set", "fetch.canary.enabled=false,fetch.canary.weight=0"]
    upgrade = ["helm", "upgrade", RELEASE, "charts/efishery", "--namespace", NAMESPACE, "--reset-then-reuse-values"]
    run(repository, *upgrade, *values, "--no-hooks", "--wait", "--timeout", "3m", seconds=200)


@pytest.mark.timeout(500)
def test_a_canary_gets_its_share_and_is_promoted_or_aborted(
    repository: Path, cluster: Cluster, gateway: Gateway, user: Headers, stable: str | None, tmp_path: Path
) -> None:
    tag = str(stable).rpartition(":")[2]
    with load.running(tmp_path, gateway, user, RATE) as sent:
        canary(repository, "set", "fetch", "10")
        promoted = image(cluster, "fetch-canary")
        found = share(repository, cluster)
        canary(repository, "promote", "fetch")
        after = image(cluster, "fetch"), image(cluster, "fetch-canary")
        canary(repository, "set", "fetch", "50", IMAGE_TAG=tag)
        with_canary = image(cluster, "fetch"), image(cluster, "fetch-canary")
        canary(repository, "abort", "fetch")
        aborted = image(cluster, "fetch"), image(cluster, "fetch-canary")
    print(f"canary with {found:.1%} of the requests; promoted, another aborted: {sent}")  # noqa: T201 -- shown with -s
    assert promoted not in (None, stable), "the canary has a tag of its own"
    assert 0.05 <= found <= 0.15
    assert after == aborted == (promoted, None)
    assert with_canary == (promoted, stable)
    assert not sent.failures, str(sent)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("stable")
def test_a_canary_that_answers_errors_is_aborted(
    repository: Path, cluster: Cluster, gateway: Gateway, user: Headers, tmp_path: Path
) -> None:
    copy = copy_with_an_error(repository, tmp_path)
    programs = os.pathsep.join((str(repository / ".tools/bin"), os.environ["PATH"]))
    with load.running(tmp_path, gateway, user, RATE) as sent:
        code, printed = run_canary(copy, "set", "fetch", "20", WATCH="60", PATH=programs)
    assert code == 1, printed
    assert "requests with 5xx, more than 1 %" in printed
    assert "aborted: all requests go to the stable pods of fetch" in printed
    assert image(cluster, "fetch-canary") is None
    assert {failure.split()[1:3] == ["/fetch/claims", "500"] for failure in sent.failures} == {True}, str(sent)
    with load.running(tmp_path, gateway, user, RATE) as after:
        started = time.monotonic()
        wait_for("enough requests", lambda: time.monotonic() > started + AFTER_SECONDS)
    assert not after.failures, str(after)
