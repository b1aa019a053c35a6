"""Strict JSON schemas of Kubernetes' objects and of custom resources, for kubeconform; from pinned Go modules."""

import functools
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.charts.helm import REPOSITORY, tool

GATEWAY_API = "sigs.k8s.io/gateway-api"
CERT_MANAGER = "github.com/cert-manager/cert-manager@v1.21.2"
PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
REFERENCE = "#/definitions/"
COMMON = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}


@dataclass(frozen=True)
class Source:
    """A file with CustomResourceDefinitions in a Go module, which the go.mod in `folder` or the name pins."""

    module: str
    file: str
    folder: str = ""


CUSTOM_RESOURCES = [
    Source("istio.io/api", "kubernetes/customresourcedefinitions.gen.yaml", "hack/one-node/istio"),
    Source(GATEWAY_API, "config/crd/standard/gateway.networking.k8s.io_gateways.yaml", "hack/one-node/istio"),
    Source(GATEWAY_API, "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml", "hack/one-node/istio"),
    Source(CERT_MANAGER, "deploy/crds/cert-manager.io_certificates.yaml"),
    Source(PROMETHEUS_OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"),
    Source(PROMETHEUS_OPERATOR, "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"),
]
KUBERNETES = Source("k8s.io/kubernetes", "api/openapi-spec/swagger.json", "hack/one-node/kubernetes")


def write(folder: Path) -> str:
    """Write one file for each kind; return kubeconform's -schema-location."""
    for (group, version, kind), schema in (*_builtin(), *_custom()):
        name = f"{group or version}-{version}-{kind.lower()}.json"
        (folder / name).write_text(json.dumps(schema))
    return str(folder / "{{.Group}}-{{.ResourceAPIVersion}}-{{.ResourceKind}}.json")


def errors(location: str, *bodies: dict[str, Any]) -> dict[str, str]:
    """Return kubeconform's message for each invalid object, by `Kind/name`."""
    done = subprocess.run(
        [tool("kubeconform"), "-strict", "-output", "json", "-verbose", "-schema-location", location],
        input=yaml.safe_dump_all(bodies),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    found = json.loads(done.stdout)["resources"]
    assert len(found) == len(bodies), done.stderr
    return {f"{each['kind']}/{each['name']}": each["msg"] for each in found if each["status"] != "statusValid"}


def _read(source: Source) -> str:
    command = ["go", "mod", "download", "-json", source.module]
    done = subprocess.run(command, cwd=REPOSITORY / source.folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stdout}{done.stderr}")
    return (Path(json.loads(done.stdout)["Dir"]) / source.file).read_text()


def _builtin() -> Iterator[tuple[tuple[str, str, str], dict[str, Any]]]:
    """Yield the schema of each kind of Kubernetes, with the definitions that it refers to."""
    definitions = {name: _strict(schema) for name, schema in json.loads(_read(KUBERNETES))["definitions"].items()}
    # YAML has numbers where the API accepts `cpu: 1`.
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"]["type"] = ["string", "number"]

    @functools.cache
    def referred(name: str) -> frozenset[str]:
        text = json.dumps(definitions[name])
        return frozenset(other for other in definitions if f'"{REFERENCE}{other}"' in text)

    for name, schema in definitions.items():
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            needed, new = {name}, {name}
            while new:
                new = {other for each in new for other in referred(each)} - needed
                needed |= new
            found = {"$ref": REFERENCE + name, "definitions": {each: definitions[each] for each in sorted(needed)}}
            yield (kind["group"], kind["version"], kind["kind"]), found


def _custom() -> Iterator[tuple[tuple[str, str, str], dict[str, Any]]]:
    for source in CUSTOM_RESOURCES:
        # CSafeLoader: PyYAML's own is ten times slower.
        for document in yaml.load_all(_read(source), Loader=yaml.CSafeLoader):
            spec = document["spec"]
            for version in spec["versions"]:
                schema = _strict(version["schema"]["openAPIV3Schema"])
                schema["properties"] |= COMMON  # a CustomResourceDefinition may leave them out
                yield (spec["group"], version["name"], spec["names"]["kind"]), schema


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON schema that refuses unknown fields, as the API server does with `--validate=strict`."""
    if schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    strict = dict(schema)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            strict[key] = _strict(schema[key])
    if "properties" in schema:
        strict["properties"] = {name: _strict(child) for name, child in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            strict.setdefault("additionalProperties", False)
    return strict
