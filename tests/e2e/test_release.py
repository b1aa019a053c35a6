"""The release itself: Helm's tests, upgrades, and what Pod Security says of its pods."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import NAMESPACE, RELEASE, Cluster, run
from tests.e2e.conftest import Gateway

SECRETS = ("auth-first-admin", "auth-signing-key", "mysql", "redis")


@pytest.mark.timeout(400)
def test_helm_test_passes(repository: Path) -> None:
    output = run(repository, "helm", "test", RELEASE, "--namespace", NAMESPACE, "--timeout", "5m", "--logs")
    assert output.count("Phase:") == output.count("Succeeded") > 0, output


@pytest.mark.timeout(600)
def test_an_upgrade_keeps_the_secrets_and_the_users(cluster: Cluster, gateway: Gateway, repository: Path) -> None:
    before = {name: cluster.secret(name) for name in SECRETS}
    upgrade = ["helm", "upgrade", RELEASE, "charts/efishery", "--namespace", NAMESPACE, "--reuse-values"]
    run(repository, *upgrade, "--wait", "--timeout", "5m", seconds=320)
    assert {name: cluster.secret(name) for name in SECRETS} == before
    first = before["auth-first-admin"]
    assert gateway.login(first["phone"], first["password"])


@pytest.fixture
def restricted_namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace whose admission warns of every pod that Pod Security "restricted" would refuse."""
    with cluster.temporary_namespace(**{"pod-security.kubernetes.io/warn": "restricted"}) as name:
        yield name


def apply_dry(manifests: str, namespace: str) -> str:
    """Answer what the API server says of the manifests, without storing them."""
    command = ["kubectl", "apply", "--dry-run=server", "--namespace", namespace, "-f", "-"]
    done = subprocess.run(command, input=manifests, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_pods_satisfy_pod_security_restricted(restricted_namespace: str, repository: Path) -> None:
    render = ["helm", "template", RELEASE, "charts/efishery", "--namespace", restricted_namespace]
    manifests = run(repository, *render, "--set", "sample.enabled=true", "--kube-version", "1.34.0", "--skip-tests")
    assert "would violate PodSecurity" not in apply_dry(manifests, restricted_namespace)


def test_the_check_of_pod_security_can_fail(restricted_namespace: str) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: x, image: busybox:stable}]}"
    assert "would violate PodSecurity" in apply_dry(pod, restricted_namespace)
