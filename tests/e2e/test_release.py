"""The Helm release: its tests, an upgrade, and Pod Security admission, which the whole release satisfies."""

import subprocess
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


def test_pod_security_restricted_is_enforced(repository: Path) -> None:
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: x, namespace: {NAMESPACE}}}\n"
    pod += "spec: {containers: [{name: x, image: busybox:stable}]}"
    command = ["kubectl", "apply", "--dry-run=server", "-f", "-"]
    done = subprocess.run(command, cwd=repository, input=pod, capture_output=True, text=True, check=False, timeout=60)
    assert 'violates PodSecurity "restricted' in done.stderr
