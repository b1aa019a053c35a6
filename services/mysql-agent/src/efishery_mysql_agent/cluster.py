"""The agent's part of the Kubernetes API: its pods' labels, one Lease, Events.

Every call is bounded in time and raises ClusterError; a group that is well needs none of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import structlog
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from efishery_mysql_agent import wire
from efishery_mysql_agent.model import Labels, LeaseState, Role, View

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = (1, 2)  # to connect, and to answer
LEASE_SECONDS = 60  # longer than a start of Group Replication takes
PREFIX = "mysql.efishery/"


class ClusterError(Exception):
    """The Kubernetes API did not answer, or refused."""


class Cluster:
    """Calls for one pod."""

    def __init__(self, pod: str, namespace: str, lease: str, now: Callable[[], datetime]) -> None:
        self._pod, self._namespace, self._lease, self._now = pod, namespace, lease, now
        self._api = _connect()
        self._core, self._leases = client.CoreV1Api(self._api), client.CoordinationV1Api(self._api)

    def labels(self, pod: str) -> Labels:
        """Return the labels `role` and `reads` of a pod."""
        found = _call(self._core.read_namespaced_pod, pod, self._namespace).metadata.labels or {}
        role = next((role for role in Role if role == found.get("role")), None)
        return Labels(role, reads="reads" in found)

    def set_labels(self, pod: str, labels: Labels) -> None:
        """Set the labels `role` and `reads` of a pod, or take them away."""
        body = {"metadata": {"labels": {"role": labels.role, "reads": "true" if labels.reads else None}}}
        _call(self._core.patch_namespaced_pod, pod, self._namespace, body)

    def lease(self) -> LeaseState:
        """Read the Lease."""
        found = _call(self._leases.read_namespaced_lease, self._lease, self._namespace)
        notes = found.metadata.annotations or {}
        return LeaseState(
            version=found.metadata.resource_version,
            group=notes.get(PREFIX + "group"),
            claimer=notes.get(PREFIX + "bootstrapped-by"),
            former=tuple((notes.get(PREFIX + "former-groups") or "").split()),
            formed=notes.get(PREFIX + "formed") == "true",
            view=wire.load_view(json.loads(notes.get(PREFIX + "view") or "null")),
            holder=self._holder(found.spec),
            force=notes.get(PREFIX + "force-reboot") or None,
        )

    def take(self, version: str, group: str | None = None) -> None:
        """Become the holder of the Lease of that version, with `group` as the one to bootstrap.

        Raises ClusterError where anybody changed it since: then somebody else may hold it.
        """
        notes = {"group": group, "bootstrapped-by": self._pod, "formed": "false", "view": None} if group else {}
        spec = {"holderIdentity": self._pod, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": self._time()}
        self._patch_lease(notes, spec, version)

    def release(self) -> None:
        """Let go of the Lease."""
        lease = self.lease()
        if lease.holder == self._pod:
            self._patch_lease({}, {"holderIdentity": None}, lease.version)

    def succeed(self, former: str) -> str:
        """Write a new group's name into the Lease, as the successor of `former`, and return it."""
        lease, name = self.lease(), str(uuid4())
        formers = " ".join((*lease.former, former))
        self._patch_lease({"group": name, "former-groups": formers}, version=lease.version)
        return name

    def record(self, group: str, view: View | None) -> None:
        """Write into the Lease which group there is and who is in it; whatever an operator forced is over then."""
        notes: dict[str, str | None] = {"group": group, "formed": "true", "force-reboot": None}
        if view:
            notes["view"] = json.dumps(wire.dump_view(view))
        self._patch_lease(notes)

    def event(self, kind: str, reason: str, message: str) -> None:
        """Emit an Event on this pod; `kind` is Normal or Warning."""
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
        _call(self._core.create_namespaced_event, self._namespace, body)

    def _holder(self, spec: client.V1LeaseSpec | None) -> str | None:
        if not spec or not spec.holder_identity or not spec.renew_time:
            return None
        until = spec.renew_time + timedelta(seconds=spec.lease_duration_seconds or LEASE_SECONDS)
        return str(spec.holder_identity) if self._now() < until else None

    def _patch_lease(self, notes: dict[str, str | None], spec: dict[str, Any] | None = None, version: str = "") -> None:
        body: dict[str, Any] = {"metadata": {"annotations": {PREFIX + key: note for key, note in notes.items()}}}
        if version:
            body["metadata"]["resourceVersion"] = version
        if spec:
            body["spec"] = spec
        _call(self._leases.patch_namespaced_lease, self._lease, self._namespace, body)

    def _time(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _connect() -> client.ApiClient:
    configuration = client.Configuration()
    config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # it ships no types
    configuration.retries = 0  # the loop is the retry
    return client.ApiClient(configuration)


def _call(method: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 -- the client has no types
    try:
        return method(*arguments, _request_timeout=TIMEOUT_SECONDS)
    except ApiException as error:
        raise ClusterError(f"{error.status} {error.reason}") from error
    except (HTTPError, OSError, ValueError) as error:
        raise ClusterError(str(error)) from error
