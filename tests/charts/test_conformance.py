"""Every object satisfies the schema of its kind, without unknown fields (kubeconform)."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts import helm, schemas
from tests.charts.manifests import Manifest, Manifests


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> str:
    return schemas.write(tmp_path_factory.mktemp("schemas"))


def errors(location: str, *bodies: dict[str, Any]) -> dict[str, str]:
    """Return kubeconform's message for each invalid object, by `Kind/name`."""
    done = subprocess.run(
        [helm.tool("kubeconform"), "-strict", "-output", "json", "-verbose", "-schema-location", location],
        input=yaml.safe_dump_all(bodies),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    found = json.loads(done.stdout)["resources"]
    assert len(found) == len(bodies), done.stderr
    return {f"{each['kind']}/{each['name']}": each["msg"] for each in found if each["status"] != "statusValid"}


def test_charts(location: str, rendered: Manifests) -> None:
    assert errors(location, *(manifest.body for manifest in rendered.objects)) == {}


def test_mesh_manifests(location: str, istio: Manifests) -> None:
    assert errors(location, *(manifest.body for manifest in istio.objects)) == {}


def test_namespace(location: str, repository: Path) -> None:
    assert errors(location, yaml.safe_load((repository / "k8s/namespace.yaml").read_text())) == {}


@pytest.mark.parametrize(
    ("identity", "path", "value"),
    [
        ("Deployment/auth", ("spec", "template", "spec", "priorityclassName"), "high"),
        ("Deployment/auth", ("spec", "replicas"), "two"),
        ("Service/auth", ("spec", "port"), 80),
        ("VirtualService/efishery", ("spec", "hots"), []),
    ],
)
def test_an_unknown_field_and_a_wrong_type_are_found(
    location: str, default: Manifests, istio: Manifests, identity: str, path: tuple[str, ...], value: object
) -> None:
    both = Manifests((*default.objects, *istio.objects))
    body = json.loads(json.dumps(both.get(identity).body))
    node = body
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    assert path[-1] in errors(location, Manifest(body).body)[identity]
