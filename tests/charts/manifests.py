"""Kubernetes objects for the tests."""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import yaml

JOBS = ("Job", "CronJob")
SERVERS = ("Deployment", "StatefulSet")


class _Loader(yaml.SafeLoader):
    """Refuses a mapping with a duplicate key, which YAML forbids and PyYAML accepts."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise ValueError(f"{node.start_mark}: duplicate keys: {', '.join(sorted(twice))}")
        return super().construct_mapping(node, deep=deep)


@dataclass(frozen=True)
class Manifest:
    """One Kubernetes object."""

    body: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def id(self) -> str:
        """Kind and name: `Deployment/auth`."""
        return f"{self.kind}/{self.name}"

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.body["metadata"].get("labels") or {})

    @property
    def annotations(self) -> dict[str, str]:
        return dict(self.body["metadata"].get("annotations") or {})

    @property
    def spec(self) -> dict[str, Any]:
        return dict(self.body.get("spec") or {})


@dataclass(frozen=True)
class Workload:
    """An object that creates pods, with the template of those pods."""

    owner: Manifest
    pod: Manifest

    @property
    def id(self) -> str:
        return self.owner.id

    @property
    def containers(self) -> list[dict[str, Any]]:
        return list(self.pod.spec["containers"])

    @property
    def all_containers(self) -> list[dict[str, Any]]:
        return [*self.pod.spec.get("initContainers", []), *self.containers]

    @property
    def runs_to_completion(self) -> bool:
        """Whether its pods run to completion."""
        return self.owner.kind not in SERVERS

    @property
    def sidecars(self) -> list[dict[str, Any]]:
        """The native sidecars: init containers that run until the pod ends."""
        return [c for c in self.pod.spec.get("initContainers", []) if c.get("restartPolicy") == "Always"]

    def port(self, number_or_name: int | str) -> int | None:
        """Return the number of the container port with this number or name, or None."""
        ports = [port for container in [*self.containers, *self.sidecars] for port in container.get("ports", [])]
        found = [p for p in ports if number_or_name in (p["containerPort"], p["name"])]
        return int(found[0]["containerPort"]) if found else None


@dataclass(frozen=True)
class Manifests:
    """All objects of one rendering, or of one folder."""

    objects: tuple[Manifest, ...]

    def of(self, *kinds: str) -> list[Manifest]:
        return [manifest for manifest in self.objects if manifest.kind in kinds]

    def get(self, identity: str) -> Manifest:
        """Return the object `Kind/name`; raise KeyError."""
        try:
            return next(manifest for manifest in self.objects if manifest.id == identity)
        except StopIteration:
            raise KeyError(identity) from None

    def release_job(self, name: str) -> Manifest:
        """Return the Job `name-REVISION-HASH`; raise KeyError."""
        found = [job for job in self.of("Job") if re.fullmatch(rf"{name}-\d+-[0-9a-f]{{8}}", job.name)]
        if len(found) != 1:
            raise KeyError(name)
        return found[0]

    def has(self, identity: str) -> bool:
        return any(manifest.id == identity for manifest in self.objects)

    @property
    def workloads(self) -> list[Workload]:
        return [Workload(manifest, pod) for manifest in self.objects if (pod := _pod(manifest))]

    def workload(self, identity: str) -> Workload:
        """Return the workload `Kind/name`; raise KeyError."""
        manifest = self.get(identity)
        return next(workload for workload in self.workloads if workload.owner == manifest)

    def selected(self, labels: dict[str, str]) -> list[Workload]:
        """Return the workloads whose pods have these labels."""
        return [workload for workload in self.workloads if labels.items() <= workload.pod.labels.items()]


def parse(text: str) -> Manifests:
    """Return the objects of a YAML stream; raise ValueError for a duplicate key."""
    # _Loader is a SafeLoader: it creates only plain values.
    documents = yaml.load_all(text, Loader=_Loader)
    return Manifests(tuple(Manifest(document) for document in documents if document))


def _pod(manifest: Manifest) -> Manifest | None:
    """Return `manifest` if it is a pod, or the pod template in it with the kind and name of `manifest`."""
    spec = manifest.spec
    if manifest.kind == "Pod":
        return manifest
    if manifest.kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if manifest.kind not in (*SERVERS, *JOBS):
        return None
    template = spec["template"]
    return Manifest({**template, "kind": manifest.kind, "metadata": {"name": manifest.name, **template["metadata"]}})
