"""Secrets are generated or provided by the user; only pods that need a Secret mount it."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.charts import helm
from tests.charts.manifests import Manifest, Manifests, Workload, parse
from tests.charts.scenarios import Scenario

GENERATED = {
    "auth-first-admin": {"phone", "password"},
    "auth-signing-key": {"tls.crt", "tls.key"},
    "mysql": {"root-password", "password", "replication-password"},
    "mysql-tls": {"ca.crt", "tls.crt", "tls.key"},
    "redis": {"admin-password", "auth-password", "fetch-password", "rate-cron-password"},
}
USERS_OWN = {"my-signing-key", "last-years-key", "my-admin", "my-redis", "my-mysql", "my-mysql-ca", "my-mysql-tls"}


def test_the_generated_secrets_and_their_keys(default: Manifests) -> None:
    assert {secret.name: set(secret.body["data"]) for secret in default.of("Secret")} == GENERATED


def test_generated_secrets_are_kept_on_uninstall(rendered: Manifests) -> None:
    for secret in rendered.of("Secret"):
        assert secret.annotations["helm.sh/resource-policy"] == "keep", secret.id


def test_generated_passwords_are_long_and_unique(default: Manifests) -> None:
    passwords = [
        base64.b64decode(value)
        for secret in default.of("Secret")
        for key, value in secret.body["data"].items()
        if key.endswith("password")
    ]
    assert len(passwords) == len(set(passwords)) == 8
    assert all(len(password) >= 32 for password in passwords)


def test_the_signing_key_is_rsa_and_matches_its_certificate(default: Manifests) -> None:
    secret = default.get("Secret/auth-signing-key").body
    certificate = x509.load_pem_x509_certificate(base64.b64decode(secret["data"]["tls.crt"]))
    private = load_pem_private_key(base64.b64decode(secret["data"]["tls.key"]), password=None)
    assert secret["type"] == "kubernetes.io/tls"
    assert isinstance(public := certificate.public_key(), RSAPublicKey)
    assert public.key_size >= 2048
    assert public == private.public_key()


@pytest.mark.parametrize("scenario", ["existing-secrets", "external-mysql-redis"])
def test_an_existing_secret_replaces_the_generated_one(scenario: str) -> None:
    rendered = Scenario("efishery", scenario).rendered()
    generated = {secret.name for secret in rendered.of("Secret")}
    referenced = {name for workload in rendered.workloads for name, _ in _references(workload)}
    assert referenced - generated <= USERS_OWN
    assert {"my-redis", "my-mysql"} <= referenced
    assert not {"redis", "mysql"} & (referenced | generated)


def test_every_referenced_secret_has_the_referenced_key(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        for name, key in _references(workload):
            if name not in USERS_OWN and not _is_cert_managers(rendered, name):
                assert key is None or key in rendered.get(f"Secret/{name}").body["data"], f"{workload.id} {key}"


def _is_cert_managers(rendered: Manifests, name: str) -> bool:
    return name in [certificate.spec["secretName"] for certificate in rendered.of("Certificate")]


def test_no_other_object_contains_a_secret_value(rendered: Manifests) -> None:
    values = [value for secret in rendered.of("Secret") for value in secret.body["data"].values()]
    for manifest in (m for m in rendered.objects if m.kind != "Secret"):
        text = str(manifest.body)
        for value in values:
            assert value not in text, manifest.id
            assert base64.b64decode(value).decode() not in text, manifest.id


def test_only_auth_mounts_the_private_signing_key(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        whole = [name for name, key in _mounted(workload.pod) if "signing-key" in name and key is None]
        assert bool(whole) == (workload.id == "Deployment/auth"), workload.id


def test_the_mysql_certificate_has_the_names_of_services_and_members(default: Manifests) -> None:
    data = {key: base64.b64decode(value) for key, value in default.get("Secret/mysql-tls").body["data"].items()}
    authority, certificate = (x509.load_pem_x509_certificate(data[key]) for key in ("ca.crt", "tls.crt"))
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found = set(names.get_values_for_type(x509.DNSName))
    services = {"mysql-primary", "mysql-replicas", "mysql", "*.mysql"}
    assert {f"{name}.efishery.svc.cluster.local" for name in services} | services <= found


def test_only_mysqld_mounts_the_private_key_of_mysql(rendered: Manifests) -> None:
    for workload in rendered.workloads:
        volumes = {v["name"] for v in workload.pod.spec.get("volumes", []) if _is_whole(v, "mysql-tls")}
        for container in workload.all_containers:
            if volumes & {mount["name"] for mount in container.get("volumeMounts", [])}:
                assert (workload.id, container["name"]) == ("StatefulSet/mysql", "mysql")


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
