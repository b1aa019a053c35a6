"""kube-score finds nothing in any scenario, except what the annotation `kube-score/ignore` excepts (ADR 69)."""

import functools
import json
import re
import subprocess

import pytest
import yaml

from tests.charts import helm
from tests.charts.manifests import Manifests
from tests.charts.scenarios import SCENARIOS, Scenario

OK = 7  # kube-score's grades: 1 critical, 5 warning, 7 almost ok, 10 ok
# Each object with an exception, and the checks besides those that every pod is excepted from.
EVERY_POD = {"container-resources", "container-image-pull-policy"}
EXCEPTIONS = {
    "CronJob/auth-key-rotation": EVERY_POD,
    "CronJob/auth-prune": EVERY_POD,
    "CronJob/mysql-certificate-renewal": EVERY_POD,
    "CronJob/mysql-backup": EVERY_POD | {"container-security-context-user-group-id"},
    "CronJob/rate-cron": EVERY_POD,
    "Deployment/auth": EVERY_POD | {"deployment-replicas"},
    "Deployment/auth-canary": EVERY_POD | {"deployment-replicas"},
    "Deployment/docs": EVERY_POD | {"deployment-replicas"},
    "Deployment/docs-canary": EVERY_POD | {"deployment-replicas"},
    "Deployment/fetch": EVERY_POD | {"deployment-replicas"},
    "Deployment/fetch-canary": EVERY_POD | {"deployment-replicas"},
    "Deployment/redis": EVERY_POD
    | {"container-security-context-user-group-id", "deployment-replicas", "deployment-strategy"},
    "Deployment/sample": EVERY_POD | {"deployment-replicas"},
    "Job/auth-first-admin": EVERY_POD,
    "Job/auth-migrate": EVERY_POD,
    "Job/create-secrets": EVERY_POD,
    "Job/mysql-backup-1": EVERY_POD | {"container-security-context-user-group-id"},
    "Job/mysql-create-lease": EVERY_POD,
    "Job/mysql-create-secrets": EVERY_POD,
    "Job/rate-cron-1": EVERY_POD,
    "Pod/helm-test": EVERY_POD,
    "Pod/mysql-test": EVERY_POD,
    "Service/mysql-primary": {"service-targets-pod"},
    "Service/mysql-replicas": {"service-targets-pod"},
    "StatefulSet/mysql": EVERY_POD | {"container-security-context-user-group-id"},
}


@functools.cache
def findings(scenario: Scenario, *options: str) -> frozenset[tuple[str, str]]:
    """Return each object, as `Kind/name`, with the id of each check that it fails with CRITICAL or WARNING."""
    rendered = scenario.rendered()
    done = subprocess.run(
        [helm.tool("kube-score"), "score", "--kubernetes-version", "v1.30", "--output-format", "json", *options, "-"],
        input=yaml.safe_dump_all(manifest.body for manifest in rendered.objects),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    checks = {
        _without_hash(f"{scored['type_meta']['kind']}/{scored['object_meta']['name']}"): scored["checks"]
        for scored in json.loads(done.stdout)
    }
    unscored = {_without_hash(workload.id) for workload in rendered.workloads} - checks.keys()
    assert not unscored, done.stderr
    return frozenset(
        (name, check["check"]["id"])
        for name, results in checks.items()
        for check in results
        if not check["skipped"] and check["grade"] < OK
    )


def _without_hash(identity: str) -> str:
    """Return the name of a Job without the hash of its content."""
    return re.sub(r"^(Job/.*)-[0-9a-f]{8}$", r"\1", identity)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_no_finding(scenario: Scenario) -> None:
    assert not findings(scenario)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_only_the_cpu_limit_is_missing_where_resources_are_excepted(scenario: Scenario) -> None:
    """The exception would hide missing requests too, and kube-score extends it to ephemeral storage."""
    unannotated = findings(scenario, "--disable-ignore-checks-annotations", "--ignore-container-cpu-limit")
    resources = {"container-resources", "container-ephemeral-storage-request-and-limit"}
    assert not {(name, check) for name, check in unannotated if check in resources}


def test_objects_have_these_exceptions_and_no_other(rendered: Manifests) -> None:
    for manifest in rendered.objects:
        ignored = manifest.annotations.get("kube-score/ignore", "")
        assert set(filter(None, ignored.split(","))) == EXCEPTIONS.get(_without_hash(manifest.id), set()), manifest.id
    for workload in rendered.workloads:
        if workload.owner.kind != "Pod":
            assert "kube-score/ignore" not in workload.pod.annotations, workload.id


def test_each_exception_is_needed_in_a_scenario() -> None:
    needed = {found for s in SCENARIOS for found in findings(s, "--disable-ignore-checks-annotations")}
    unneeded = {(name, check) for name, checks in EXCEPTIONS.items() for check in checks} - needed
    assert not unneeded
