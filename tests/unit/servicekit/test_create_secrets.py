"""`create-secrets`, towards an API server that keeps Secrets in memory."""

import base64
import json
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from kubernetes.client.exceptions import ApiException
from structlog.testing import capture_logs

from servicekit import create_secrets, secret_api

PASSWORDS = {"name": "redis", "passwords": ["auth-password", "fetch-password"]}
ADMIN = {"name": "auth-first-admin", "values": {"phone": "+628110"}, "passwords": ["password"]}
SIGNING_KEY = {"name": "auth-signing-key", "tls": {"days": 3650}}
MYSQL_TLS = {"name": "mysql-tls", "tls": {"days": 10, "hosts": ["mysql-primary"], "addresses": ["127.0.0.1"]}}


@dataclass
class Api:
    """The methods of the client that SecretApi calls. There is none that changes or deletes."""

    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, Exception] = field(default_factory=dict)
    created_by_another: dict[str, Any] | None = None

    def read_namespaced_secret(self, name: str, namespace: str, **_: object) -> Any:
        self._fail("get")
        assert namespace == "fish"
        if name not in self.secrets:
            raise ApiException(status=404, reason="Not Found")
        metadata = SimpleNamespace(annotations=None)
        return SimpleNamespace(metadata=metadata, data=self.secrets[name]["data"])

    def create_namespaced_secret(self, namespace: str, body: dict[str, Any], **_: object) -> None:
        self._fail("create")
        assert namespace == "fish"
        name = body["metadata"]["name"]
        if self.created_by_another:
            self.secrets[name] = self.created_by_another
        if name in self.secrets:
            raise ApiException(status=409, reason="Conflict")
        self.secrets[name] = body

    def data(self, name: str) -> dict[str, bytes]:
        return {key: base64.b64decode(value) for key, value in self.secrets[name]["data"].items()}

    def _fail(self, verb: str) -> None:
        if verb in self.failures:
            raise self.failures[verb]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    api = Api()
    monkeypatch.setattr(secret_api, "_connect", lambda: None)
    monkeypatch.setattr("kubernetes.client.CoreV1Api", lambda _: api)
    monkeypatch.setattr("servicekit.logging.configure", lambda *_: None)  # capture_logs would not see its lines
    monkeypatch.setenv("CREATE_SECRETS_NAMESPACE", "fish")
    return api


@dataclass
class Run:
    """Exit code and log of a run."""

    code: int
    lines: list[MutableMapping[str, Any]]


def run(monkeypatch: pytest.MonkeyPatch, *specs: dict[str, Any]) -> Run:
    monkeypatch.setenv("CREATE_SECRETS_SPECS", json.dumps(specs))
    with capture_logs() as lines:
        try:
            create_secrets.main()
        except SystemExit as ended:
            return Run(int(ended.code or 0), lines)
    return Run(0, lines)


def existing(**data: str) -> dict[str, Any]:
    return {"data": {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in data.items()}}


def test_what_is_missing_is_created(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, PASSWORDS, ADMIN)
    assert [(line["event"], line["secret"]) for line in result.lines] == [
        ("secret_created", "redis"),
        ("secret_created", "auth-first-admin"),
    ]
    assert api.data("redis").keys() == {"auth-password", "fetch-password"}
    assert api.data("auth-first-admin").keys() == {"phone", "password"}
    assert api.data("auth-first-admin")["phone"] == b"+628110"
    assert api.secrets["redis"]["type"] == "Opaque"


def test_passwords_are_long_and_different_and_are_not_logged(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, PASSWORDS, ADMIN)
    passwords = [*api.data("redis").values(), api.data("auth-first-admin")["password"]]
    assert len(set(passwords)) == 3
    for password in passwords:
        assert len(password) == 32
        assert password.isalnum()
        assert password.decode() not in str(result.lines)


def test_a_second_run_changes_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, PASSWORDS, SIGNING_KEY)
    before = json.dumps(api.secrets)
    result = run(monkeypatch, PASSWORDS, SIGNING_KEY)
    assert result.code == 0
    assert [line["event"] for line in result.lines] == ["secret_exists", "secret_exists"]
    assert json.dumps(api.secrets) == before


def test_a_secret_with_more_keys_can_be_used(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the signing key has during a rotation."""
    run(monkeypatch, SIGNING_KEY)
    api.secrets["auth-signing-key"]["data"]["next.crt"] = "eA=="
    assert run(monkeypatch, SIGNING_KEY).code == 0


def test_argo_cd_does_not_take_the_secret_for_one_of_its_own(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, PASSWORDS)
    labels = api.secrets["redis"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "create-secrets"
    assert "app.kubernetes.io/instance" not in labels
    assert "annotations" not in api.secrets["redis"]["metadata"]


def test_the_signing_key_is_self_signed_and_matches_its_certificate(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, SIGNING_KEY)
    data = api.data("auth-signing-key")
    assert api.secrets["auth-signing-key"]["type"] == "kubernetes.io/tls"
    assert data.keys() == {"tls.crt", "tls.key"}
    public = x509.load_pem_x509_certificate(data["tls.crt"]).public_key()
    assert isinstance(public, RSAPublicKey)
    assert public.key_size == 2048
    assert public == load_pem_private_key(data["tls.key"], password=None).public_key()


def test_the_certificate_of_a_server_has_its_names_and_its_own_authority(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, MYSQL_TLS)
    data = api.data("mysql-tls")
    authority, certificate = (x509.load_pem_x509_certificate(data[key]) for key in ("ca.crt", "tls.crt"))
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mysql-primary"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 10


def test_a_missing_key_is_named_and_nothing_is_changed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.secrets["redis"] = existing(auth_password="x")
    result = run(monkeypatch, PASSWORDS)
    assert result.code == 3
    assert "the Secret redis has no fetch-password" in result.lines[-1]["error"]
    assert "kubectl patch secret redis" in result.lines[-1]["error"]
    assert api.data("redis") == {"auth-password": b"x"}


def test_a_value_that_differs_is_named_and_nothing_is_changed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.secrets["auth-first-admin"] = existing(phone="+628119", password="x")
    result = run(monkeypatch, ADMIN)
    assert result.code == 3
    assert "phone of the Secret auth-first-admin is not that of the values" in result.lines[-1]["error"]
    assert api.data("auth-first-admin")["phone"] == b"+628119"


def test_a_secret_that_another_run_creates_first_is_used(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.created_by_another = existing(auth_password="x", fetch_password="y")
    result = run(monkeypatch, PASSWORDS)
    assert (result.code, result.lines[-1]["event"]) == (0, "secret_exists")
    assert api.data("redis")["auth-password"] == b"x"


@pytest.mark.parametrize(
    ("verb", "failure", "message"),
    [
        ("get", ApiException(status=403, reason="Forbidden"), "not allowed to get the Secret redis in namespace fish"),
        ("create", ApiException(status=403, reason="Forbidden"), "not allowed to create the Secret redis"),
        ("create", ApiException(status=503, reason="Unavailable"), "503 Unavailable"),
        ("get", OSError("no route"), "the Kubernetes API does not answer: no route"),
    ],
)
def test_a_failure_of_the_api_is_explained_and_may_be_repeated(
    api: Api, monkeypatch: pytest.MonkeyPatch, verb: str, failure: Exception, message: str
) -> None:
    api.failures[verb] = failure
    result = run(monkeypatch, PASSWORDS)
    assert result.code == 1
    assert message in result.lines[-1]["error"]
    assert not api.secrets


@pytest.mark.parametrize("text", ["", "{", '[{"name": "x", "pasword": []}]', '[{"name": "x", "tls": {"days": 0}}]'])
def test_bad_settings_end_with_code_2(
    api: Api, monkeypatch: pytest.MonkeyPatch, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREATE_SECRETS_SPECS", text)
    with pytest.raises(SystemExit) as ended:
        create_secrets.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("CREATE_SECRETS_SPECS")
