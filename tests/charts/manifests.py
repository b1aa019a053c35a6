"""Kubernetes objects as the tests look at them."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

JOBS = ("Job", "CronJob")
SERVERS = ("Deployment", "StatefulSet")


class _Loader(yaml.SafeLoader):
    """Refuses a mapping that has a key twice, which YAML forbids and PyYAML does not notice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise ValueError(f"{node.start_mark}: twice in one mapping: {', '.join(sorted(twice))}")
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
    """An object that makes pods, and the template of those pods."""

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
    def ends(self) -> bool:
        """Whether its pods end by themselves."""
        return self.owner.kind not in SERVERS

    @property
    def sidecars(self) -> list[dict[str, Any]]:
        """The native sidecars: init containers that run as long as the pod."""
        return [c for c in self.pod.spec.get("initContainers", []) if c.get("restartPolicy") == "Always"]

    def port(self, number_or_name: int | str) -> int | None:
        """Return the container port of that number or name."""
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
    """Return the objects of a YAML stream; raise ValueError where one has a key twice."""
    # A subclass of SafeLoader is as safe as that.
    documents = yaml.load_all(text, Loader=_Loader)
    return Manifests(tuple(Manifest(document) for document in documents if document))


def read(folder: Path) -> Manifests:
    """Return the objects of every YAML file in `folder`."""
    texts = [path.read_text() for path in sorted(folder.glob("*.yaml"))]
    return Manifests(tuple(_without_kustomization(texts)))


def _without_kustomization(texts: list[str]) -> Iterator[Manifest]:
    for text in texts:
        yield from (manifest for manifest in parse(text).objects if manifest.kind != "Kustomization")


def _pod(manifest: Manifest) -> Manifest | None:
    """Return the pod that `manifest` is or makes; its kind and name are those of its maker."""
    spec = manifest.spec
    if manifest.kind == "Pod":
        return manifest
    if manifest.kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if manifest.kind not in (*SERVERS, *JOBS):
        return None
    template = spec["template"]
    return Manifest({**template, "kind": manifest.kind, "metadata": {"name": manifest.name, **template["metadata"]}})
