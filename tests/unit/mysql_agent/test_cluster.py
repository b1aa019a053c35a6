"""The calls of the Kubernetes API, towards a client that keeps one Lease and some pods."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from efishery_mysql_agent.cluster import Cluster, ClusterError, NotFound
from efishery_mysql_agent.model import NO_LABELS, View
from tests.unit.mysql_agent.conftest import GROUP, VIEW

MADE = datetime(2026, 1, 1, tzinfo=UTC)
REQUESTS = {"mysql.efishery/force-reboot": "mysql-1", "mysql.efishery/start-empty": GROUP}


class Api:
    """The methods of the client that Cluster calls; a patch merges as the API server does, and compares the version."""

    def __init__(self, annotations: dict[str, str], **spec: object) -> None:
        self.annotations, self.spec, self.version = annotations, spec, 7
        self.claims: dict[str, Any] = {}

    def read_namespaced_lease(self, *_: object, **__: object) -> Any:
        metadata = SimpleNamespace(
            annotations=dict(self.annotations), resource_version=str(self.version), creation_timestamp=MADE
        )
        names = {
            "holder_identity": "holderIdentity",
            "lease_duration_seconds": "leaseDurationSeconds",
            "renew_time": "renewTime",
        }
        return SimpleNamespace(
            metadata=metadata, spec=SimpleNamespace(**{to: self.spec.get(of) for to, of in names.items()})
        )

    def patch_namespaced_lease(self, _name: str, _namespace: str, body: dict[str, Any], **_: object) -> None:
        if body["metadata"]["resourceVersion"] != str(self.version):
            raise ApiException(status=409, reason="Conflict")
        merged = {**self.annotations, **body["metadata"]["annotations"]}
        self.annotations = {key: value for key, value in merged.items() if value is not None}
        self.spec.update(body["spec"])
        self.version += 1

    def read_namespaced_pod(self, *_: object, **__: object) -> None:
        raise ApiException(status=404, reason="Not Found")

    def read_namespaced_persistent_volume_claim(self, name: str, _namespace: str, **_: object) -> Any:
        if name not in self.claims:
            raise ApiException(status=404, reason="Not Found")
        return self.claims[name]

    def patch_namespaced_pod(self, *_: object, **__: object) -> None:
        raise ApiException(status=500, reason="Internal Server Error")

    create_namespaced_event = patch_namespaced_pod


def cluster_of(api: Api, monkeypatch: pytest.MonkeyPatch, pod: str = "mysql-0") -> Cluster:
    monkeypatch.setattr("efishery_mysql_agent.cluster._connect", lambda: None)
    monkeypatch.setattr("kubernetes.client.CoreV1Api", lambda _: api)
    monkeypatch.setattr("kubernetes.client.CoordinationV1Api", lambda _: api)
    return Cluster(pod, "db", "mysql", lambda: datetime.now(UTC))


def test_an_event_that_the_api_refuses_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster_of(Api({}), monkeypatch).event("Normal", "Started", "started the group")


def test_an_operators_requests_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    lease = cluster_of(Api(REQUESTS), monkeypatch).lease()
    assert (lease.force_reboot, lease.start_empty) == ("mysql-1", GROUP)
    assert lease.is_requested
    assert not cluster_of(Api({}), monkeypatch).lease().is_requested


def test_recording_the_group_removes_an_operators_requests_and_lets_go_of_the_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = cluster_of(Api(dict(REQUESTS), holderIdentity="mysql-0"), monkeypatch)
    assert cluster.lease().holder == "mysql-0"
    cluster.record(cluster.lease(), GROUP, VIEW)
    lease = cluster.lease()
    assert (lease.group, lease.formed, lease.view, lease.is_requested) == (GROUP, True, VIEW, False)
    assert (lease.epoch, lease.holder) == (VIEW.epoch, None)


def test_recording_leaves_the_lease_to_another_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = cluster_of(Api({}, holderIdentity="mysql-1"), monkeypatch)
    cluster.record(cluster.lease(), GROUP, VIEW)
    assert cluster.lease().holder == "mysql-1"


def test_claiming_a_new_group_forgets_the_former_one(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = cluster_of(Api(dict(REQUESTS)), monkeypatch)
    cluster.record(cluster.lease(), GROUP, VIEW)
    cluster.claim(cluster.lease(), 5, "new")
    lease = cluster.lease()
    assert (lease.group, lease.claimer, lease.formed, lease.view) == ("new", "mysql-0", False, None)
    assert (lease.epoch, lease.holder, lease.is_requested) == (5, "mysql-0", False)


def test_a_forced_start_renames_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = cluster_of(Api(dict(REQUESTS)), monkeypatch)
    cluster.record(cluster.lease(), GROUP, VIEW)
    cluster.acquire(cluster.lease(), 5, GROUP)
    assert (cluster.lease().group, cluster.lease().former) == (GROUP, ())
    cluster.acquire(cluster.lease(), 6, "another")
    assert (cluster.lease().group, cluster.lease().former, cluster.lease().epoch) == ("another", (GROUP,), 6)


def test_a_change_since_the_lease_was_read_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api({})
    cluster, other = cluster_of(api, monkeypatch), cluster_of(api, monkeypatch, "mysql-1")
    read = cluster.lease()
    other.claim(other.lease(), 1, "theirs")
    changes: list[Callable[[], None]] = [
        lambda: cluster.record(read, GROUP, VIEW),
        lambda: cluster.claim(read, 1, GROUP),
        lambda: cluster.acquire(read, 1, GROUP),
    ]
    for change in changes:
        with pytest.raises(ClusterError, match="409"):
            change()
    assert cluster.lease().group == "theirs"


class TestTheLeaseExpiresByTheClockOfItsReaderAlone:
    @pytest.mark.parametrize("off", [timedelta(minutes=-10), timedelta(0), timedelta(minutes=10)])
    def test_whatever_the_clock_of_the_holder_says(self, monkeypatch: pytest.MonkeyPatch, off: timedelta) -> None:
        now = [0.0]
        monkeypatch.setattr("efishery_mysql_agent.cluster.time.monotonic", lambda: now[0])
        renewed = datetime.now(UTC) + off
        api = Api({}, holderIdentity="mysql-1", leaseDurationSeconds=60, renewTime=renewed)
        cluster = cluster_of(api, monkeypatch)
        holders = []
        for now[0] in (1000.0, 1059.0, 1061.0):
            holders.append(cluster.lease().holder)
        api.spec["renewTime"] = renewed + timedelta(seconds=1)
        assert [*holders, cluster.lease().holder] == ["mysql-1", "mysql-1", None, "mysql-1"]


def test_a_malformed_annotation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for view in ("{", json.dumps({"id": "1:1"}), "[1]"):
        with pytest.raises(ClusterError, match=r"annotation mysql\.efishery/view is malformed; remove it"):
            cluster_of(Api({"mysql.efishery/view": view}), monkeypatch).lease()
    with pytest.raises(ClusterError, match=r"annotation mysql\.efishery/epoch is malformed; remove it: one"):
        cluster_of(Api({"mysql.efishery/epoch": "one"}), monkeypatch).lease()


def test_a_view_that_an_agent_without_epochs_wrote_is_of_the_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    written = {"mysql.efishery/view": json.dumps({"id": "1:1", "members": ["mysql-0"]}), "mysql.efishery/epoch": "6"}
    assert cluster_of(Api(written), monkeypatch).lease().view == View("1:1", ("mysql-0",), 6)


def test_a_missing_pod_is_told_from_an_api_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = cluster_of(Api({}), monkeypatch)
    with pytest.raises(NotFound, match="404 Not Found"):
        cluster.labels("mysql-8")
    with pytest.raises(ClusterError, match="500") as failed:
        cluster.set_labels("mysql-8", NO_LABELS)
    assert not isinstance(failed.value, NotFound)


def claim(*, phase: str = "Bound", source: object = None) -> Any:
    metadata = SimpleNamespace(creation_timestamp=MADE)
    return SimpleNamespace(
        metadata=metadata, spec=SimpleNamespace(data_source=source), status=SimpleNamespace(phase=phase)
    )


class TestWhenAClaimWasMade:
    @pytest.mark.parametrize(
        ("found", "made"),
        [
            ({}, None),
            ({"data-mysql-1": claim(phase="Pending")}, None),
            ({"data-mysql-1": claim()}, MADE),
            ({"data-mysql-1": claim(source="a snapshot")}, datetime.min.replace(tzinfo=UTC)),
        ],
        ids=["no claim", "without a volume", "a claim", "a copy"],
    )
    def test_by_its_claim(self, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], made: datetime | None) -> None:
        api = Api({})
        api.claims = found
        assert cluster_of(api, monkeypatch).claimed_at("mysql-1", ephemeral=False) == made

    def test_without_volumes_by_its_pod(self, monkeypatch: pytest.MonkeyPatch) -> None:
        api = Api({})
        cluster = cluster_of(api, monkeypatch)
        assert cluster.claimed_at("mysql-1", ephemeral=True) is None
        monkeypatch.setattr(api, "read_namespaced_pod", lambda *_, **__: claim(), raising=False)
        assert cluster.claimed_at("mysql-1", ephemeral=True) == MADE
