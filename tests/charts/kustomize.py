"""Build the kustomizations of k8s/istio."""

import functools
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.charts import helm
from tests.charts.manifests import Manifests, parse

ISTIO = helm.REPOSITORY / "k8s/istio"
GATEWAY_API = ISTIO / "overlays/gateway-api"


@functools.cache
def output(folder: Path) -> str:
    """Return what `kubectl apply -k` would send; raise RuntimeError."""
    done = subprocess.run(
        [helm.tool("kustomize"), "build", folder], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode or done.stderr:  # it warns of deprecated fields
        raise RuntimeError(f"kustomize build {folder}: {done.stderr}")
    return done.stdout


def build(folder: Path) -> Manifests:
    """Return the objects of a kustomization."""
    return parse(output(folder))


def installation(copy: Path, *components: str, of: Path = ISTIO, **settings: Any) -> Path:
    """Copy k8s/istio to `copy`; return the kustomization `of` in it, with further components and changed settings."""
    shutil.copytree(ISTIO, copy)
    inside = of.relative_to(ISTIO)
    to_components = Path(*[".."] * len(inside.parts), "components")
    with _edited(copy / inside / "settings.yaml") as content:
        content["spec"] |= settings
    with _edited(copy / inside / "kustomization.yaml") as content:
        content["components"] = [*(str(to_components / name) for name in components), *content["components"]]
    return copy / inside


@contextmanager
def _edited(path: Path) -> Iterator[dict[str, Any]]:
    content = yaml.safe_load(path.read_text())
    yield content
    path.write_text(yaml.safe_dump(content))
