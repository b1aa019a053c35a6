"""Argo CD installs a release from a registry, upgrades it and removes it, as charts/efishery/README.md shows it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import removal
from tests.e2e.cluster import Cluster, forwarded, wait_for
from tests.e2e.conftest import Gateway
from tests.e2e.gitops.argo_cd import Application, argo_cd
from tests.e2e.registry import Published, publish

# Two CPUs have room for two releases.
VALUES = (
    *("auth.replicas=1", "fetch.replicas=1", "docs.replicas=1", "mysql.replicas=1", "sample.enabled=true"),
    *("auth.resources.requests.cpu=20m", "fetch.resources.requests.cpu=20m", "mysql.resources.requests.cpu=50m"),
    "fetch.listUrl=",  # that of the sample
)
AUTOSCALED = 2
SECRETS = ("auth-first-admin", "auth-signing-key", "mysql", "mysql-migration", "mysql-tls", "redis")
# Each Job, and the phase of the sync in which it runs.
HOOKS = {
    "create-secrets": "PreSync",
    "mysql-create-lease": "PreSync",
    "mysql-create-secrets": "PreSync",
    "auth-migrate": "Sync",
    "auth-first-admin": "PostSync",
    "rate-cron-1": "PostSync",
}


@pytest.fixture(scope="module")
def published(repository: Path) -> Published:
    return publish(repository)


@pytest.fixture
def controllers(cluster: Cluster, repository: Path, published: Published, tmp_path: Path) -> Iterator[None]:
    with argo_cd(cluster, repository, published, tmp_path):
        yield


def documented(repository: Path, published: Published, namespace: str) -> dict[str, Any]:
    """Return the Application of charts/efishery/README.md, with this registry, version and namespace, and few pods."""
    text = (repository / "charts/efishery/README.md").read_text()
    section = text.split("## Argo CD and Flux")[1].split("```yaml\n")[1].split("```")[0]
    body: dict[str, Any] = yaml.safe_load(section.replace("registry.example", published.registry))
    spec = body["spec"]
    spec["destination"]["namespace"] = namespace
    spec["source"]["targetRevision"] = published.version
    pairs = (value.split("=") for value in (*VALUES, *published.digest_values()))
    spec["source"]["helm"]["parameters"] = [{"name": name, "value": value} for name, value in pairs]
    return body


@pytest.mark.timeout(900, func_only=True)  # without the time to build images and programs
@pytest.mark.usefixtures("controllers")
def test_an_application_is_installed_upgraded_and_removed(
    cluster: Cluster, repository: Path, published: Published
) -> None:
    with cluster.temporary_namespace(**{"istio-injection": "enabled"}) as namespace:
        application = Application(cluster, namespace, documented(repository, published, namespace))
        installed = application.wait_for_sync(360)
        assert hooks(installed) == dict.fromkeys(HOOKS, "Succeeded")
        check_order(cluster, namespace)
        check_login(cluster, namespace)

        secrets = {name: cluster.secret(name, namespace) for name in SECRETS}
        application.refresh()
        assert application.status["sync"]["status"] == "Synced"
        assert application.operation()["startedAt"] == installed["startedAt"]  # nothing to do

        migration = cluster.batch.read_namespaced_job("auth-migrate", namespace).metadata.uid
        application.patch({"spec": {"source": {"helm": {"valuesObject": changed()}}}})
        upgraded = application.wait_for_sync(240, after=installed["startedAt"])
        assert hooks(upgraded) == dict.fromkeys(HOOKS, "Succeeded")
        assert cluster.batch.read_namespaced_job("auth-migrate", namespace).metadata.uid != migration
        assert {name: cluster.secret(name, namespace) for name in SECRETS} == secrets
        check_autoscaling(cluster, namespace, application)
        check_login(cluster, namespace)

        application.delete(180)
        removal.wait_until_left(repository, namespace, removal.KEPT)


def changed() -> dict[str, Any]:
    """Return values that replace the pods of auth and let the autoscaler of fetch decide its number."""
    autoscaling = {"enabled": True, "minReplicas": AUTOSCALED, "maxReplicas": AUTOSCALED}
    return {"auth": {"podAnnotations": {"efishery/change": "1"}}, "fetch": {"autoscaling": autoscaling}}


def hooks(operation: dict[str, Any]) -> dict[str, str]:
    """Return how each Job of a sync ended; its phase must be the documented one."""
    jobs = {}
    for each in operation["syncResult"]["resources"]:
        if each["kind"] == "Job":
            (name,) = (known for known in HOOKS if each["name"] == known or each["name"].startswith(f"{known}-"))
            assert each["syncPhase"] == HOOKS[name], each
            jobs[name] = each["hookPhase"]
    return jobs


def check_order(cluster: Cluster, namespace: str) -> None:
    """MySQL and the Secrets come before the migration, auth after it, the first admin last."""

    def job(name: str) -> tuple[datetime, datetime]:
        status = cluster.batch.read_namespaced_job(name, namespace).status
        return status.start_time, status.completion_time

    made = [cluster.core.read_namespaced_secret(name, namespace).metadata.creation_timestamp for name in SECRETS]
    mysql = cluster.apps.read_namespaced_stateful_set("mysql", namespace).metadata.creation_timestamp
    auth = cluster.apps.read_namespaced_deployment("auth", namespace).metadata.creation_timestamp
    times = [max(made), mysql, *job("auth-migrate"), auth, *job("auth-first-admin")]
    assert times == sorted(times)


def check_login(cluster: Cluster, namespace: str) -> None:
    first = cluster.secret("auth-first-admin", namespace)
    with forwarded(namespace, "auth") as url:
        token = Gateway(url).login(first["phone"], first["password"])
        assert Gateway(url).get("/auth/claims", token).status_code == 200


def check_autoscaling(cluster: Cluster, namespace: str, application: Application) -> None:
    """The autoscaler decides how many pods fetch has; Argo CD sees no difference in it."""

    def pods() -> int:
        number: int = cluster.apps.read_namespaced_deployment("fetch", namespace).spec.replicas
        return number

    wait_for(f"{AUTOSCALED} pods of fetch", lambda: pods() == AUTOSCALED, 60)
    before = application.operation()["startedAt"]
    application.refresh()
    assert application.status["sync"]["status"] == "Synced"
    assert application.operation()["startedAt"] == before
    assert pods() == AUTOSCALED
