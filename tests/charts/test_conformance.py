"""Every object satisfies the schema of its kind, without unknown fields (kubeconform)."""

import json
from pathlib import Path

import pytest
import yaml

from tests.charts import schemas
from tests.charts.manifests import Manifest, Manifests


def test_charts(location: str, rendered: Manifests) -> None:
    assert schemas.errors(location, *(manifest.body for manifest in rendered.objects)) == {}


def test_mesh_manifests(location: str, istio: Manifests) -> None:
    assert schemas.errors(location, *(manifest.body for manifest in istio.objects)) == {}


def test_namespace(location: str, repository: Path) -> None:
    assert schemas.errors(location, yaml.safe_load((repository / "k8s/namespace.yaml").read_text())) == {}


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
    assert path[-1] in schemas.errors(location, Manifest(body).body)[identity]
