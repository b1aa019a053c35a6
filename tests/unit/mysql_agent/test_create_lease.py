"""The command that creates the Lease, towards an API server that has one or not."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from structlog.testing import capture_logs

from efishery_mysql_agent import create_lease


@dataclass
class Api:
    """The method of the client that it calls; `refuses` is the status of the answer."""

    refuses: int = 0
    created: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def create_namespaced_lease(self, namespace: str, body: dict[str, Any], **_: object) -> None:
        key = (namespace, body["metadata"]["name"])
        if self.refuses or key in self.created:
            raise ApiException(status=self.refuses or 409, reason="refused")
        self.created[key] = body


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    api = Api()
    monkeypatch.setattr("efishery_mysql_agent.cluster._connect", lambda: None)
    monkeypatch.setattr("kubernetes.client.CoordinationV1Api", lambda _: api)
    monkeypatch.setattr("servicekit.logging.configure", lambda *_: None)  # capture_logs would not see its lines
    monkeypatch.setenv("CREATE_LEASE_NAMESPACE", "fish")
    return api


def test_it_creates_the_lease_and_leaves_an_existing_one(api: Api) -> None:
    with capture_logs() as lines:
        create_lease.main()
        (body,) = api.created.values()
        body["metadata"]["annotations"] = {"mysql.efishery/group": "7d9e1b3c"}
        create_lease.main()
    assert [line["event"] for line in lines] == ["lease_created", "lease_exists"]
    assert list(api.created) == [("fish", "mysql")]
    assert api.created["fish", "mysql"] is body


def test_the_documented_removal_finds_the_lease(api: Api) -> None:
    create_lease.main()
    labels = api.created["fish", "mysql"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "mysql"
    assert "app.kubernetes.io/instance" not in labels


def test_a_refusal_fails_the_job(api: Api) -> None:
    api.refuses = 403
    with capture_logs() as lines, pytest.raises(SystemExit) as ended:
        create_lease.main()
    assert ended.value.code == 1
    assert lines[-1]["event"] == "lease_not_created"
    assert "403" in lines[-1]["error"]


@pytest.mark.usefixtures("api")
def test_without_a_namespace_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREATE_LEASE_NAMESPACE")
    with pytest.raises(SystemExit) as ended:
        create_lease.main()
    assert ended.value.code == 2
