"""Secrets are created in the cluster or provided by the user; only pods that need a Secret mount it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.charts import helm
from tests.charts.created_secrets import specs
from tests.charts.manifests import Manifest, Manifests, Workload, parse
from tests.charts.scenarios import Scenario

CREATED = {
    "auth-first-admin": {"phone", "password"},
    "auth-signing-key": {"tls.crt", "tls.key"},
    "mysql-migration": {"password"},
    "mysql": {"root-password", "password", "replication-password"},
    "mysql-tls": {"ca.crt", "tls.crt", "tls.key"},
    "redis": {"admin-password", "auth-password", "fetch-password", "rate-cron-password"},
}
USERS_OWN = {"my-signing-key", "last-years-key", "my-admin", "my-redis", "my-mysql", "my-mysql-ca", "my-mysql-tls"}


def test_the_created_secrets_and_their_keys(default: Manifests) -> None:
    assert {name: spec.keys for name, spec in specs(default).items()} == CREATED


def test_no_manifest_is_a_secret(rendered: Manifests) -> None:
    assert not [secret.id for secret in rendered.of("Secret")]


@pytest.mark.parametrize("scenario", ["existing-secrets", "external-mysql-redis"])
def test_an_existing_secret_replaces_the_created_one(scenario: str) -> None:
    rendered = Scenario("efishery", scenario).rendered()
    created = specs(rendered).keys()
    referenced = {name for workload in rendered.workloads for name, _ in _references(workload)}
    assert referenced - created <= USERS_OWN
    assert {"my-redis", "my-mysql"} <= referenced
    assert not {"redis", "mysql"} & (referenced | created)


def test_every_referenced_secret_has_the_referenced_key(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        for name, key in _references(workload):
            if name not in USERS_OWN and not _is_cert_managers(rendered, name):
                assert key is None or key in specs(rendered)[name].keys, f"{workload.id} {key}"


def _is_cert_managers(rendered: Manifests, name: str) -> bool:
    return name in [certificate.spec["secretName"] for certificate in rendered.of("Certificate")]


def test_only_auth_mounts_the_private_signing_key(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        whole = [name for name, key in _mounted(workload.pod) if "signing-key" in name and key is None]
        assert bool(whole) == (workload.id in ("Deployment/auth", "Deployment/auth-canary")), workload.id


def test_the_mysql_certificate_has_the_names_of_services_and_members(default: Manifests) -> None:
    tls = specs(default)["mysql-tls"].tls
    assert tls
    services = {"mysql-primary", "mysql-replicas", "mysql", "*.mysql"}
    assert {f"{name}.efishery.svc.cluster.local" for name in services} | services <= set(tls.hosts)
    assert tls.addresses == ["127.0.0.1"]


def test_only_mysqld_mounts_the_private_key_of_mysql(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        volumes = {v["name"] for v in workload.pod.spec.get("volumes", []) if _is_whole(v, "mysql-tls")}
        for container in workload.all_containers:
            if volumes & {mount["name"] for mount in container.get("volumeMounts", [])}:
                assert (workload.id, container["name"]) == ("StatefulSet/mysql", "mysql")


def test_the_agent_sees_when_the_certificate_of_mysql_changes_but_not_its_key(default: Manifests) -> None:
    pod = default.workload("StatefulSet/mysql").pod
    (volume,) = [volume["secret"] for volume in pod.spec["volumes"] if volume["name"] == "tls-public"]
    assert (volume["secretName"], [item["key"] for item in volume["items"]]) == ("mysql-tls", ["ca.crt", "tls.crt"])


def _is_whole(volume: dict[str, Any], secret: str) -> bool:
    return volume.get("secret", {}).get("secretName") == secret and "items" not in volume["secret"]


def test_fetch_mounts_only_certificates() -> None:
    fetch = Scenario("efishery", "existing-secrets").rendered().workload("Deployment/fetch")
    sources = [
        s["secret"] for s in next(v for v in fetch.pod.spec["volumes"] if v["name"] == "keys")["projected"]["sources"]
    ]
    files = {(s["name"], item["key"], item["path"], s.get("optional", False)) for s in sources for item in s["items"]}
    assert files == {
        ("my-signing-key", "tls.crt", "current.crt", False),
        ("my-signing-key", "next.crt", "next.crt", True),
        ("my-signing-key", "previous.crt", "previous.crt", True),
        ("last-years-key", "tls.crt", "last-years-key.crt", False),
    }


def test_the_next_signing_key_is_mounted_before_it_signs() -> None:
    values = ["--set", "sample.enabled=true", "--set", "auth.signingKey.previousSecrets={key-2}"]
    rendered = parse(helm.template("efishery", *values).stdout)
    for name in ("auth", "fetch"):
        assert ("key-2", "tls.crt") in _mounted(rendered.workload(f"Deployment/{name}").pod), name
    assert ("auth-signing-key", None) in _mounted(rendered.workload("Deployment/auth").pod)


def test_the_previous_signing_key_stays_mounted_after_the_rotation() -> None:
    key = ["auth.signingKey.existingSecret=key-2", "auth.signingKey.previousSecrets={auth-signing-key}"]
    rendered = parse(helm.template("efishery", "--set", ",".join(["sample.enabled=true", *key])).stdout)
    for name in ("auth", "fetch"):
        assert ("auth-signing-key", "tls.crt") in _mounted(rendered.workload(f"Deployment/{name}").pod), name
    assert ("key-2", None) in _mounted(rendered.workload("Deployment/auth").pod)


def _references(workload: Workload) -> Iterator[tuple[str, str | None]]:
    """Yield name and key (None: all keys) of each Secret that a pod reads as a variable or a file."""
    for container in workload.all_containers:
        for variable in container.get("env", []):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                yield reference["name"], reference["key"]
    yield from _mounted(workload.pod, optional=False)


def _mounted(pod: Manifest, *, optional: bool = True) -> Iterator[tuple[str, str | None]]:
    """Yield name and key (None: all keys) of each mounted Secret, without the optional ones if `optional` is false."""
    for volume in pod.spec.get("volumes", []):
        if "secret" in volume:
            keys = [item["key"] for item in volume["secret"].get("items", [])]
            yield from ((volume["secret"]["secretName"], key) for key in keys or [None])
        for source in volume.get("projected", {}).get("sources", []):
            if "secret" in source and (optional or not source["secret"].get("optional")):
                yield from ((source["secret"]["name"], item["key"]) for item in source["secret"]["items"])
