"""The agent's calls of the Kubernetes API: the pods' labels, one Lease, Events.

Every call has a timeout and, except `Cluster.event`, raises ClusterError; a healthy group serves without them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from efishery_mysql_agent import wire
from efishery_mysql_agent.model import NO_LABELS, Labels, LeaseState, Role, View
from efishery_mysql_agent.settings import MAX_MEMBERS

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = (1, 2)  # connect, read
LEASE_SECONDS = 60  # longer than Group Replication takes to start
PREFIX = "mysql.efishery/"
Annotations = dict[str, str | None]
NO_REQUESTS: Annotations = {"force-reboot": None, "start-empty": None}
# By the first, the documented `kubectl delete pvc,lease -l …` finds it. No app.kubernetes.io/instance: Argo CD that
# tracks by it would prune the Lease.
LEASE_LABELS = {
    "app.kubernetes.io/name": "mysql",
    "app.kubernetes.io/managed-by": "create-lease",
    "app.kubernetes.io/part-of": "efishery",
}
T = TypeVar("T")


class ClusterError(Exception):
    """The Kubernetes API did not answer, or refused."""


class NotFound(ClusterError):
    """There is no such object."""


class Conflict(ClusterError):
    """The object exists already, or was changed since it was read."""


class MalformedLease(ClusterError):
    """An annotation of the Lease was changed by hand, and cannot be read."""


class Superseded(ClusterError):
    """The Lease has expired, or shows that other members have gone on without this one."""


ERRORS: dict[int, type[ClusterError]] = {404: NotFound, 409: Conflict}


class Cluster:
    """Calls for one pod."""

    def __init__(self, pod: str, namespace: str, lease: str, now: Callable[[], datetime]) -> None:
        self._pod, self._namespace, self._lease, self._now = pod, namespace, lease, now
        self._record: tuple[str, datetime | None] | None = None
        self._record_since = 0.0
        self._api = _connect()
        self._core, self._leases = client.CoreV1Api(self._api), client.CoordinationV1Api(self._api)

    def labels(self, pod: str) -> Labels:
        """Return the labels `role` and `reads` of a pod; raises NotFound."""
        found = _call(self._core.read_namespaced_pod, pod, self._namespace).metadata.labels or {}
        role = next((role for role in Role if role == found.get("role")), None)
        return Labels(role, reads="reads" in found)

    def set_labels(self, pod: str, labels: Labels) -> None:
        """Set the labels `role` and `reads` of a pod, or remove them; raises NotFound."""
        body = {"metadata": {"labels": {"role": labels.role, "reads": "true" if labels.reads else None}}}
        _call(self._core.patch_namespaced_pod, pod, self._namespace, body)

    def unlabel(self, pods: Iterable[str]) -> None:
        """Remove the labels `role` and `reads` of these pods, existing or not."""
        with ThreadPoolExecutor(MAX_MEMBERS) as pool:  # in parallel: the loop waits for it
            list(pool.map(self._unlabel, pods))

    def _unlabel(self, pod: str) -> None:
        try:
            if self.labels(pod) != NO_LABELS:
                self.set_labels(pod, NO_LABELS)
                log.warning("member_unlabelled", member=pod)
        except NotFound:
            return

    def lease(self) -> LeaseState:
        """Read the Lease."""
        found = _call(self._leases.read_namespaced_lease, self._lease, self._namespace)
        annotations = {key.removeprefix(PREFIX): value for key, value in (found.metadata.annotations or {}).items()}
        epoch = _parse("epoch", annotations.get("epoch") or "0", int)
        return LeaseState(
            version=found.metadata.resource_version,
            created=found.metadata.creation_timestamp,
            group=annotations.get("group"),
            claimer=annotations.get("bootstrapped-by"),
            former=tuple((annotations.get("former-groups") or "").split()),
            formed=annotations.get("formed") == "true",
            epoch=epoch,
            view=_parse(
                "view", annotations.get("view") or "null", lambda text: wire.load_view(json.loads(text), epoch)
            ),
            holder=self._holder(found.spec),
            force_reboot=annotations.get("force-reboot") or None,
            start_empty=annotations.get("start-empty") or None,
        )

    def claimed_at(self, pod: str, *, ephemeral: bool) -> datetime | None:
        """Return when a pod's claim, or without volumes the pod itself, was made; None where it cannot have data.

        A claim or pod that is Pending never had a volume or a mysqld. A copy is as old as can be.
        """
        read = self._core.read_namespaced_pod if ephemeral else self._core.read_namespaced_persistent_volume_claim
        try:
            found = _call(read, pod if ephemeral else f"data-{pod}", self._namespace)
        except NotFound:
            return None
        if found.status.phase == "Pending":
            return None
        is_copy = not ephemeral and found.spec.data_source is not None  # of a snapshot, or of another claim
        made: datetime = found.metadata.creation_timestamp
        return datetime.min.replace(tzinfo=UTC) if is_copy else made

    def claim(self, lease: LeaseState, epoch: int, group: str) -> None:
        """Become the holder of the Lease, and write into it that this pod bootstraps the group."""
        new = {"group": group, "bootstrapped-by": self._pod, "formed": "false", "view": None, **NO_REQUESTS}
        self._acquire(lease, epoch, new)

    def acquire(self, lease: LeaseState, epoch: int, group: str) -> None:
        """Become the holder of the Lease; a group of another name takes the place of the Lease's, a former one."""
        formers = " ".join((*lease.former, str(lease.group)))
        self._acquire(lease, epoch, {} if group == lease.group else {"group": group, "former-groups": formers})

    def record(self, lease: LeaseState, group: str, view: View | None) -> None:
        """Write the group and its view, remove an operator's requests, which are done, or void; let go of the Lease."""
        annotations = {"group": group, "formed": "true", **NO_REQUESTS}
        if view:
            annotations["view"] = json.dumps(wire.dump_view(view))
            annotations["epoch"] = str(max(lease.epoch, view.epoch))
        self._patch_lease(lease, annotations, {"holderIdentity": None} if lease.holder == self._pod else {})

    def event(self, kind: str, reason: str, message: str) -> None:
        """Emit an Event on this pod; `kind` is Normal or Warning. A failure is logged: nothing depends on an Event."""
        moment = self._time()
        body = {
            "metadata": {"generateName": f"{self._pod}."},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": self._pod, "namespace": self._namespace},
            "type": kind,
            "reason": reason,
            "message": message[:1000],
            "source": {"component": "mysql-agent"},
            "firstTimestamp": moment,
            "lastTimestamp": moment,
            "count": 1,
        }
        try:
            _call(self._core.create_namespaced_event, self._namespace, body)
        except ClusterError as error:
            log.warning("event_not_emitted", of=reason, reason=str(error))

    def _holder(self, spec: client.V1LeaseSpec | None) -> str | None:
        """Return the holder until this process has seen the same record for as long as the Lease lasts.

        As in client-go's leaderelection: no clock of another node takes part in it.
        """
        if not spec or not spec.holder_identity:
            return None
        record = (spec.holder_identity, spec.renew_time)
        if record != self._record:
            self._record, self._record_since = record, time.monotonic()
        lasts = spec.lease_duration_seconds or LEASE_SECONDS
        return str(spec.holder_identity) if time.monotonic() - self._record_since < lasts else None

    def _acquire(self, lease: LeaseState, epoch: int, annotations: Annotations) -> None:
        spec = {"holderIdentity": self._pod, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": self._time()}
        self._patch_lease(lease, {**annotations, "epoch": str(epoch)}, spec)

    def _patch_lease(self, lease: LeaseState, annotations: Annotations, spec: dict[str, Any]) -> None:
        """Change the Lease as it was read; raises ClusterError (409) if it was changed since."""
        named = {PREFIX + key: value for key, value in annotations.items()}
        body = {"metadata": {"annotations": named, "resourceVersion": lease.version}, "spec": spec}
        _call(self._leases.patch_namespaced_lease, self._lease, self._namespace, body)

    def _time(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def create_lease(namespace: str, name: str) -> bool:
    """Create a Lease that knows no group; returns False where there is one already, and does not change it."""
    leases = client.CoordinationV1Api(_connect())
    try:
        _call(leases.create_namespaced_lease, namespace, {"metadata": {"name": name, "labels": LEASE_LABELS}})
    except Conflict:
        return False
    return True


def _parse(name: str, text: str, parser: Callable[[str], T]) -> T:
    try:
        return parser(text)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedLease(f"the Lease's annotation {PREFIX}{name} is malformed; remove it: {text}") from error


def _connect() -> client.ApiClient:
    configuration = client.Configuration()
    config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # it ships no types
    configuration.retries = 0  # the loop tries again
    return client.ApiClient(configuration)


def _call(method: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 -- the client has no types
    try:
        return method(*arguments, _request_timeout=TIMEOUT_SECONDS)
    except ApiException as error:
        raise ERRORS.get(error.status, ClusterError)(f"{error.status} {error.reason}") from error
    except (HTTPError, OSError, ValueError) as error:
        raise ClusterError(str(error)) from error
