"""The manifests of k8s/istio that this gateway shares with the mesh, and what it refuses in them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from efishery_gateway.errors import GatewayError

Json = dict[str, Any]

_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def read(path: Path) -> list[Json]:
    """Read the manifests of a YAML file; raises GatewayError when it cannot be read."""
    try:
        return [document for document in yaml.safe_load_all(path.read_text()) if document]
    except (OSError, yaml.YAMLError) as error:
        raise GatewayError(f"the gateway's configuration cannot be read from {path}: {error}") from error


def refuse_others(given: Mapping[str, Any], known: set[str], what: str) -> None:
    """Raise GatewayError when `given` has keys that this gateway does not implement."""
    if others := sorted(set(given) - known):
        raise GatewayError(f"the local gateway does not know {', '.join(others)} in {what}")


def duration(text: str) -> str:
    """Convert Go's form, as in `1m30s` or `500ms`, into seconds, as in `90s`, the only form that Envoy reads."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    if "".join(number + unit for number, unit in parts) != text:
        raise GatewayError(f"k8s/istio has a duration that cannot be read: {text}")
    return f"{sum(float(number) * _UNITS[unit] for number, unit in parts):g}s"
