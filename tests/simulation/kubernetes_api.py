"""The model of the Kubernetes API: objects as JSON, merge patches, resourceVersion, and calls that fail.

`install()` puts it in place of the generated client's classes; every method named `<verb>_namespaced_<kind>` works.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ConnectTimeoutError, ReadTimeoutError

from tests.simulation.kernel import current_thread
from tests.simulation.network import API_SERVER, Traffic

if TYPE_CHECKING:
    from tests.simulation.world import World

CLIENTS = ("CoreV1Api", "CoordinationV1Api", "AppsV1Api", "DiscoveryV1Api")
TIMEOUT_SECONDS = 2
Object = dict[str, Any]


class Api:
    """The API server's objects by kind and name."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], Object] = {}
        self._versions = count(1)
        self.lost_answers = 0.0  # probability that a patch is carried out and its answer is lost

    def create(
        self, kind: str, name: str, created: datetime, labels: dict[str, str] | None = None, **more: Any
    ) -> None:
        """Create or replace an object."""
        metadata: Object = {"name": name, "uid": f"{next(self._versions)}", "creationTimestamp": created.isoformat()}
        metadata["labels"] = labels or {}
        self._objects[kind, name] = {"metadata": metadata, "spec": {}, **more}
        self.patch(kind, name, {})

    def delete(self, kind: str, name: str) -> None:
        """Delete an object."""
        self._objects.pop((kind, name), None)

    def find(self, kind: str, name: str) -> Object | None:
        """Return an object, if there is one."""
        return self._objects.get((kind, name))

    def read(self, kind: str, name: str) -> Object:
        """Return an object."""
        found = self.find(kind, name)
        if found is None:
            raise ApiException(status=404, reason="Not Found")
        return found

    @property
    def objects(self) -> Iterable[Object]:
        """All objects."""
        return self._objects.values()

    def list(self, kind: str) -> list[Object]:
        """Return all objects of a kind."""
        return [found for (of, _), found in self._objects.items() if of == kind]

    def patch(self, kind: str, name: str, body: Object) -> Object:
        """Merge `body` into an object."""
        found = self.read(kind, name)
        version = body.get("metadata", {}).get("resourceVersion")
        if version not in (None, found["metadata"].get("resourceVersion")):
            raise ApiException(status=409, reason="Conflict")
        changed = _merged(found, body)
        changed["metadata"]["resourceVersion"] = str(next(self._versions))
        self._objects[kind, name] = changed
        return changed

    def labels(self, pod: str) -> dict[str, str]:
        """The labels of a pod; none where there is no such pod."""
        found = self.find("pod", pod)
        return (found["metadata"].get("labels") or {}) if found else {}


def _merged(old: Object, patch: Object) -> Object:
    merged = dict(old)
    for key, value in patch.items():
        if isinstance(value, dict):
            merged[key] = _merged(merged.get(key) or {}, value)
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


class Client:
    """In place of any of the generated client's APIs, for the agent that makes it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, method: str) -> Callable[..., Any]:
        verb, kind = _parsed(method)
        return lambda *arguments, **_: self._call(verb, kind, arguments)

    def _call(self, verb: str, kind: str, arguments: tuple[Any, ...]) -> Any:
        world, api, pod = self._world, self._world.api, current_thread().process.name
        world.kernel.sleep(world.kernel.between(0.002, 0.05))
        if not world.network.connects(Traffic.API, pod, API_SERVER):
            world.kernel.sleep(world.kernel.between(0, TIMEOUT_SECONDS))
            raise ConnectTimeoutError("the API server does not answer")
        match verb:
            case "read":
                return _attributes(api.read(kind, arguments[0]))
            case "list":
                return SimpleNamespace(items=[_attributes(found) for found in api.list(kind)])
            case "create":
                return world.log(pod, f"{kind} {arguments[1].get('reason')}: {arguments[1].get('message')}")
        changed = api.patch(kind, arguments[0], arguments[2])
        world.log(pod, f"patched {kind} {arguments[0]}: {_shown(arguments[2])}")
        if world.kernel.random.random() < api.lost_answers:
            world.kernel.sleep(TIMEOUT_SECONDS)
            raise ReadTimeoutError(mock.Mock(), "", "the API server's answer was lost")
        return _attributes(changed)


@cache
def _parsed(method: str) -> tuple[str, str]:
    call = re.fullmatch(r"(read|patch|create|list)_namespaced_(\w+)", method)
    if not call:
        raise AttributeError(method)
    return call[1], call[2]


def _shown(body: Object) -> str:
    parts = {**body.get("metadata", {}).get("labels", {}), **body.get("metadata", {}).get("annotations", {})}
    return " ".join(f"{key}={value}" for key, value in {**parts, **body.get("spec", {})}.items())


def _attributes(value: Any, key: str = "") -> Any:
    """JSON as the generated client's models: attributes in snake_case, times as datetime; free maps stay maps."""
    if isinstance(value, dict):
        if key in ("labels", "annotations", "matchLabels"):
            return value
        return SimpleNamespace(
            **{**DEFAULTS, **{_snake(name): _attributes(item, name) for name, item in value.items()}}
        )
    if isinstance(value, str) and key.endswith(("Time", "Timestamp")):
        return datetime.fromisoformat(value)
    return value


DEFAULTS = dict.fromkeys(
    (
        "labels",
        "annotations",
        "creation_timestamp",
        "data_source",
        "holder_identity",
        "renew_time",
        "lease_duration_seconds",
        "lease_transitions",
    )
)


@cache
def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: f"_{match[1].lower()}", name)
