"""The documented steps to a larger volume (docs/operations.md, "A larger volume"), in a release of its own.

The one-node cluster's driver does not grow file systems: that a claim asks for more is all that can be seen of it here.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from tests.e2e.cluster import Cluster, run, unique_name

Run = Callable[..., str]


@pytest.fixture(scope="module")
def storage_class() -> Iterator[str]:
    """Return the name of a StorageClass as the default one, but with volumes that may grow."""
    Cluster()  # loads the kubeconfig
    api: Any = client.StorageV1Api()
    marks = "storageclass.kubernetes.io/is-default-class"
    (default,) = [each for each in api.list_storage_class().items if (each.metadata.annotations or {}).get(marks)]
    name = unique_name()
    body = {"metadata": {"name": name}, "provisioner": default.provisioner, "allowVolumeExpansion": True}
    api.create_storage_class({**body, "volumeBindingMode": default.volume_binding_mode})
    yield name
    api.delete_storage_class(name)


@pytest.fixture(scope="module")
def helm(repository: Path, storage_class: str) -> Iterator[Run]:
    """Install one member with a small volume, and return a function that upgrades it."""
    tag = os.environ.get("IMAGE_TAG", "dev")
    values = ["replicas=1", f"agent.image.tag={tag}", f"persistence.storageClassName={storage_class}"]
    with Cluster().temporary_namespace() as namespace:

        def upgrade(size: str) -> str:
            """Return the namespace."""
            sets = [word for value in (*values, f"persistence.size={size}") for word in ("--set", value)]
            command = (".tools/bin/helm", "upgrade", "--install", "mysql", "charts/mysql", "-n", namespace)
            run(repository, *command, "--wait", "--timeout", "5m", *sets, seconds=330)
            return namespace

        upgrade("1Gi")
        yield upgrade


def test_a_claim_is_enlarged_and_the_statefulset_follows_without_a_restart(repository: Path, helm: Run) -> None:
    namespace = helm("1Gi")

    def kubectl(*arguments: str) -> str:
        return run(repository, "kubectl", "-n", namespace, *arguments)

    pod = kubectl("get", "pod", "mysql-0", "-o", "jsonpath={.metadata.uid}")
    request = '{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}'
    kubectl("patch", "pvc", "data-mysql-0", "-p", request)
    kubectl("delete", "statefulset", "mysql", "--cascade=orphan")
    helm("2Gi")
    template = "jsonpath={.spec.volumeClaimTemplates[0].spec.resources.requests.storage}"
    assert kubectl("get", "statefulset", "mysql", "-o", template) == "2Gi"
    assert kubectl("get", "pvc", "data-mysql-0", "-o", "jsonpath={.spec.resources.requests.storage}") == "2Gi"
    assert kubectl("get", "pod", "mysql-0", "-o", "jsonpath={.metadata.uid}") == pod, "the member was restarted"
