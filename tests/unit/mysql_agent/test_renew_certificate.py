"""The command that renews a certificate, towards an API server that keeps one Secret in memory."""

import base64
import json
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from structlog.testing import capture_logs

from efishery_mysql_agent import renew_certificate
from efishery_mysql_agent.renewal import REQUESTED
from servicekit import secret_api
from servicekit.create_secrets import SecretSpec

SPEC = {"name": "mysql-tls", "tls": {"days": 90, "hosts": ["mysql-primary"]}}
Run = Callable[[], tuple[int, MutableMapping[str, Any]]]


@dataclass
class Api:
    """The methods of the client that SecretApi calls; an update of an old version is refused."""

    data: dict[str, bytes]
    annotations: dict[str, str]
    version: int = 1
    is_changed_by_another: bool = False

    def read_namespaced_secret(self, name: str, namespace: str, **_: object) -> Any:
        assert (name, namespace) == ("mysql-tls", "fish")
        data = {key: base64.b64encode(value).decode() for key, value in self.data.items()}
        metadata = SimpleNamespace(annotations=dict(self.annotations), resource_version=self.version)
        self.version += self.is_changed_by_another
        return SimpleNamespace(data=data, metadata=metadata)

    def replace_namespaced_secret(self, _name: str, _namespace: str, body: Any, **_: object) -> None:
        if body.metadata.resource_version != self.version:
            raise ApiException(status=409, reason="Conflict")
        self.data = {key: base64.b64decode(value) for key, value in body.data.items()}
        self.annotations = body.metadata.annotations


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    api = Api(SecretSpec.model_validate(SPEC).generate(), {})
    monkeypatch.setattr(secret_api, "_connect", lambda: None)
    monkeypatch.setattr("kubernetes.client.CoreV1Api", lambda _: api)
    monkeypatch.setattr("servicekit.logging.configure", lambda *_: None)  # capture_logs would not see its lines
    for name, value in {"NAMESPACE": "fish", "SPEC": json.dumps(SPEC), "WAIT_SECONDS": "0"}.items():
        monkeypatch.setenv(f"RENEW_CERTIFICATE_{name}", value)
    return api


@pytest.fixture
def run() -> Run:
    def run_once() -> tuple[int, MutableMapping[str, Any]]:
        with capture_logs() as lines:
            try:
                renew_certificate.main()
            except SystemExit as ended:
                return int(ended.code or 0), lines[-1]
        return 0, lines[-1]

    return run_once


def test_a_new_certificate_stays(api: Api, run: Run) -> None:
    before = dict(api.data)
    code, line = run()
    assert (code, line["event"], line["next_step"]) == (0, "renewal_not_due", "publish")
    assert api.data == before


def test_each_run_takes_one_step(api: Api, run: Run) -> None:
    before = dict(api.data)
    api.annotations[REQUESTED] = ""
    steps = [run()[1].get("step") for _ in range(4)]
    assert steps == ["publish", "activate", "retire", None]
    assert not set(before.values()) & set(api.data.values())
    assert not api.annotations


def test_the_second_of_two_runs_at_once_changes_nothing(api: Api, run: Run) -> None:
    before = dict(api.data)
    api.annotations[REQUESTED] = ""
    api.is_changed_by_another = True
    code, line = run()
    assert code == 1
    assert "was changed at the same time" in line["error"]
    assert api.data == before


def test_a_secret_of_somebody_elses_making_is_named(api: Api, run: Run) -> None:
    api.data["ca.crt"] = SecretSpec.model_validate(SPEC).generate()["ca.crt"]
    api.annotations[REQUESTED] = ""
    code, line = run()
    assert (code, line["secret"]) == (3, "mysql-tls")
    assert "ca.crt does not have the CA that signed tls.crt" in line["error"]


def test_bad_settings_end_with_code_2(api: Api, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENEW_CERTIFICATE_WAIT_SECONDS", "soon")
    with pytest.raises(SystemExit) as ended:
        renew_certificate.main()
    assert ended.value.code == 2
