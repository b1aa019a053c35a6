"""`keys rotate` and `keys show`, towards an API server that keeps one Secret."""

import base64
from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from kubernetes.client.exceptions import ApiException
from sqlalchemy import select
from structlog.testing import capture_logs
from urllib3.exceptions import ConnectTimeoutError

from efishery_auth import signing_secret
from efishery_auth.audit import Action
from efishery_auth.models import AuditEvent
from efishery_auth.signing_secret import PUBLISHED_AT
from efishery_auth.state import current_users
from servicekit import certificates, secret_api
from servicekit.secret_api import SecretContent
from tests.keys import KeyPair


class Api:
    """The methods of the client that SecretApi calls; an update with an old resourceVersion is refused with 409."""

    def __init__(self, data: dict[str, bytes]) -> None:
        self.data = {key: base64.b64encode(value).decode() for key, value in data.items()}
        self.annotations: dict[str, str] = {}
        self.version = 1
        self.failures: dict[str, Exception] = {}
        self.updates = 0

    def read_namespaced_secret(self, name: str, namespace: str, **_: object) -> Any:
        self._fail("get")
        assert (namespace, name) == ("efishery", "auth-signing-key")
        metadata = SimpleNamespace(annotations=dict(self.annotations), resource_version=self.version)
        return SimpleNamespace(metadata=metadata, data=dict(self.data))

    def replace_namespaced_secret(self, _name: str, _namespace: str, body: Any, **_: object) -> None:
        self._fail("update")
        if body.metadata.resource_version != self.version:
            raise ApiException(status=409, reason="Conflict")
        self.data, self.annotations = body.data, body.metadata.annotations
        self.version += 1
        self.updates += 1

    def _fail(self, verb: str) -> None:
        if verb in self.failures:
            raise self.failures[verb]


@pytest.fixture
def api(key_pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> Api:
    api = Api({"tls.crt": key_pair.certificate.read_bytes(), "tls.key": key_pair.key.read_bytes()})
    monkeypatch.setattr(secret_api, "_connect", lambda: None)
    monkeypatch.setattr("kubernetes.client.CoreV1Api", lambda _: api)
    return api


@dataclass
class Run:
    """What a command printed and logged."""

    exit_code: int
    output: str
    lines: list[MutableMapping[str, Any]]


def run(app: Flask, *arguments: str) -> Run:
    with capture_logs() as lines:
        result = app.test_cli_runner().invoke(args=["keys", *arguments])
    return Run(result.exit_code, result.output, lines)


def logged(run: Run) -> MutableMapping[str, Any]:
    (line,) = [line for line in run.lines if line["event"] in ("key_rotated", "key_rotation_not_due")]
    return line


def test_a_young_key_is_left_alone(commands_app: Flask, api: Api) -> None:
    result = run(commands_app, "rotate")
    assert result.exit_code == 0, result.output
    line = logged(result)
    assert (line["event"], line["next_step"]) == ("key_rotation_not_due", "publish")
    due = datetime.fromisoformat(line["next_step_at"])
    assert timedelta(days=89) < due - datetime.now(UTC) <= timedelta(days=90)
    assert api.updates == 0


@pytest.mark.usefixtures("app")  # whose tables are migrated
def test_a_step_is_in_the_audit_log(commands_app: Flask, api: Api) -> None:
    published = logged(run(commands_app, "rotate", "--now"))
    with commands_app.app_context():
        query = select(AuditEvent).where(AuditEvent.action == Action.KEY_ROTATED)
        event = current_users().database.primary.read(lambda db_session: db_session.scalars(query).one())
    assert event.details == f"publish, signs with {published['keys']['signs']}"


def test_a_step_that_was_taken_is_logged_without_the_database(commands_app: Flask, api: Api) -> None:
    result = run(commands_app, "rotate", "--now")  # there are no tables
    assert result.exit_code == 0
    assert [line["event"] for line in result.lines] == ["key_rotated", "database_error", "key_rotation_not_audited"]


def test_each_run_takes_one_step_and_says_when_the_next_is_due(commands_app: Flask, api: Api) -> None:
    times = ["--publish-seconds=0", "--access-seconds=0"]
    published = logged(run(commands_app, "rotate", "--now", "--publish-seconds=3600"))
    assert (published["event"], published["step"], published["next_step"]) == ("key_rotated", "publish", "activate")
    assert api.annotations[PUBLISHED_AT]
    assert logged(run(commands_app, "rotate", "--now"))["event"] == "key_rotation_not_due"
    activated = logged(run(commands_app, "rotate", *times))
    assert (activated["step"], activated["next_step"]) == ("activate", "retire")
    assert activated["keys"] == {
        "signs": published["keys"]["published"],
        "accepted": published["keys"]["signs"],
    }
    assert api.data.keys() == {"tls.crt", "tls.key", "previous.crt"}
    assert api.updates == 2


def test_neither_command_prints_a_private_key(commands_app: Flask, api: Api) -> None:
    runs = [run(commands_app, "rotate", "--now"), run(commands_app, "show")]
    output = "".join(f"{each.output}{each.lines}" for each in runs)
    for key in ("tls.key", "next.key"):
        for line in base64.b64decode(api.data[key]).decode().splitlines():
            assert line not in output


def test_show_prints_id_use_and_age_of_each_key(commands_app: Flask, api: Api) -> None:
    run(commands_app, "rotate", "--now")
    result = run(commands_app, "show")
    content = SecretContent({key: base64.b64decode(value) for key, value in api.data.items()}, api.annotations)
    new, current = signing_secret.describe(content)
    assert result.output.splitlines() == [
        f"{new.kid}  published  0 days",
        f"{current.kid}  signs      0 days",
        f"{PUBLISHED_AT}: {api.annotations[PUBLISHED_AT]}",
    ]


@pytest.mark.parametrize(
    ("verb", "failure", "message"),
    [
        (
            "get",
            ApiException(status=404, reason="Not Found"),
            "there is no Secret auth-signing-key in namespace efishery",
        ),
        ("get", ApiException(status=403, reason="Forbidden"), "not allowed to get the Secret"),
        ("update", ApiException(status=403, reason="Forbidden"), "not allowed to update the Secret"),
        ("update", ApiException(status=409, reason="Conflict"), "run it again"),
        ("update", ApiException(status=500, reason="Internal Server Error"), "500 Internal Server Error"),
        ("get", ConnectTimeoutError("no answer"), "the Kubernetes API does not answer"),
    ],
)
def test_a_failure_is_explained_and_changes_nothing(
    commands_app: Flask, api: Api, verb: str, failure: Exception, message: str
) -> None:
    before = dict(api.data)
    api.failures[verb] = failure
    result = run(commands_app, "rotate", "--now")
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output
    assert api.data == before


def test_a_change_at_the_same_time_is_a_conflict(
    commands_app: Flask, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_key = certificates.new_rsa_key

    def slow_key() -> Any:
        api.version += 1  # somebody else's update, between this run's read and its update
        return new_key()

    monkeypatch.setattr(signing_secret.apply, "__defaults__", (slow_key,))
    result = run(commands_app, "rotate", "--now")
    assert (result.exit_code, api.updates) == (1, 0)
    assert "run it again" in result.output


def test_a_malformed_secret_is_named(commands_app: Flask, api: Api) -> None:
    api.data["next.crt"] = api.data["tls.crt"]
    result = run(commands_app, "rotate")
    assert result.exit_code == 1
    assert "the Secret auth-signing-key in namespace efishery: next.key is missing" in result.output
    assert run(commands_app, "show").exit_code == 1


def test_bad_arguments_end_with_code_2(commands_app: Flask, api: Api) -> None:
    assert run(commands_app, "rotate", "--publish-seconds=-1").exit_code == 2
