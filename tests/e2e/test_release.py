"""The Helm release: its tests, an upgrade, and Pod Security Admission."""

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
    """A namespace with Pod Security Admission in warn mode, level "restricted"."""
    with cluster.temporary_namespace(**{"pod-security.kubernetes.io/warn": "restricted"}) as name:
        yield name


def dry_run_warnings(manifests: str, namespace: str) -> str:
    """Apply the manifests as a server-side dry run; return the API server's warnings."""
    command = ["kubectl", "apply", "--dry-run=server", "--namespace", namespace, "-f", "-"]
    done = subprocess.run(command, input=manifests, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_pods_satisfy_pod_security_restricted(restricted_namespace: str, repository: Path) -> None:
    render = ["helm", "template", RELEASE, "charts/efishery", "--namespace", restricted_namespace]
    manifests = run(repository, *render, "--set", "sample.enabled=true", "--kube-version", "1.34.0", "--skip-tests")
    assert "would violate PodSecurity" not in dry_run_warnings(manifests, restricted_namespace)


def test_a_pod_that_violates_pod_security_gets_a_warning(restricted_namespace: str) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: x, image: busybox:stable}]}"
    assert "would violate PodSecurity" in dry_run_warnings(pod, restricted_namespace)
