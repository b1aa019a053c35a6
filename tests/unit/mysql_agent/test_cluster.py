"""The calls of the Kubernetes API, towards a client that keeps one Lease and some pods."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from efishery_mysql_agent.cluster import Cluster, ClusterError, NotFound
from efishery_mysql_agent.model import NO_LABELS
from tests.unit.mysql_agent.conftest import GROUP, VIEW

REQUESTS = {"mysql.efishery/force-reboot": "mysql-1", "mysql.efishery/start-empty": GROUP}


class Api:
    """The methods of the client that Cluster calls; a patch merges annotations as the API server does."""

    def __init__(self, annotations: dict[str, str]) -> None:
        self.annotations = annotations

    def read_namespaced_lease(self, *_: object, **__: object) -> Any:
        metadata = SimpleNamespace(annotations=self.annotations, resource_version="7")
        return SimpleNamespace(metadata=metadata, spec=None)

    def patch_namespaced_lease(self, _name: str, _namespace: str, body: dict[str, Any], **_: object) -> None:
        merged = {**self.annotations, **body["metadata"]["annotations"]}
        self.annotations = {key: value for key, value in merged.items() if value is not None}

    def read_namespaced_pod(self, *_: object, **__: object) -> None:
        raise ApiException(status=404, reason="Not Found")

    def patch_namespaced_pod(self, *_: object, **__: object) -> None:
        raise ApiException(status=500, reason="Internal Server Error")


def cluster_of(api: Api, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr("efishery_mysql_agent.cluster._connect", lambda: None)
    monkeypatch.setattr("kubernetes.client.CoreV1Api", lambda _: api)
    monkeypatch.setattr("kubernetes.client.CoordinationV1Api", lambda _: api)
    return Cluster("mysql-0", "db", "mysql", lambda: datetime.now(UTC))


def test_an_operators_requests_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    lease = cluster_of(Api(REQUESTS), monkeypatch).lease()
    assert (lease.force_reboot, lease.start_empty) == ("mysql-1", GROUP)
    assert lease.is_requested
    assert not cluster_of(Api({}), monkeypatch).lease().is_requested


def test_recording_the_group_removes_an_operators_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = cluster_of(Api(dict(REQUESTS)), monkeypatch)
    cluster.record(GROUP, VIEW)
    lease = cluster.lease()
    assert (lease.group, lease.formed, lease.view, lease.is_requested) == (GROUP, True, VIEW, False)


def test_claiming_a_new_group_forgets_the_former_one(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = cluster_of(Api(dict(REQUESTS)), monkeypatch)
    cluster.record(GROUP, VIEW)
    cluster.acquire("7", group="new")
    lease = cluster.lease()
    assert (lease.group, lease.claimer, lease.formed, lease.view) == ("new", "mysql-0", False, None)


def test_a_malformed_view_names_the_annotation(monkeypatch: pytest.MonkeyPatch) -> None:
    for view in ("{", json.dumps({"id": "1:1"}), "[1]"):
        with pytest.raises(ClusterError, match=r"annotation mysql\.efishery/view is malformed; remove it"):
            cluster_of(Api({"mysql.efishery/view": view}), monkeypatch).lease()


def test_a_missing_pod_is_told_from_an_api_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = cluster_of(Api({}), monkeypatch)
    with pytest.raises(NotFound, match="404 Not Found"):
        cluster.labels("mysql-8")
    with pytest.raises(ClusterError, match="500") as failed:
        cluster.set_labels("mysql-8", NO_LABELS)
    assert not isinstance(failed.value, NotFound)
