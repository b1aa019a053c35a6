"""What `helm uninstall` leaves, and the documented commands that remove it."""

import re
import shlex
from contextlib import suppress
from pathlib import Path

from tests.e2e.cluster import run, wait_for

# What Kubernetes and Istio put into each namespace, and what follows its owner.
NOT_OF_A_RELEASE = re.compile(
    r"configmap/(kube-root-ca\.crt|istio-ca-.*)|serviceaccount/default|event.*|endpoint.*|pods?\.metrics.*"
    r"|pod/auth-(migrate|first-admin)-.*"
)
KEPT = {
    *(f"secret/{name}" for name in ("auth-first-admin", "auth-signing-key", "redis")),
    *(f"secret/{name}" for name in ("mysql", "mysql-migration", "mysql-tls")),
    "persistentvolumeclaim/data-mysql-0",
    "lease.coordination.k8s.io/mysql",
}
LEFT = KEPT | {
    "job.batch/auth-migrate",
    "job.batch/auth-first-admin",
    *(f"{kind}/helm-test" for kind in ("pod", "serviceaccount", "configmap")),
    "pod/mysql-test",
}


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


def remove_the_rest(repository: Path, namespace: str) -> None:
    """Run these commands."""
    for command in documented_removal(repository):
        run(repository, *shlex.split(command), "--namespace", namespace)


def wait_until_left(repository: Path, namespace: str, expected: set[str]) -> None:
    """Wait until exactly these objects are left: pods end after the objects that own them."""
    with suppress(AssertionError):
        wait_for("the last pods to end", lambda: objects(repository, namespace) == expected, 60)
    assert sorted(objects(repository, namespace)) == sorted(expected)
