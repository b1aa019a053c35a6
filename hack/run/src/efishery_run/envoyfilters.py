"""Limits and error answers of the mesh's gateway, from the EnvoyFilters that select it.

Applies the patches that the project uses (https://istio.io/latest/docs/reference/config/networking/envoy-filter/)
and refuses the rest by name.
"""

from pathlib import Path

from efishery_run.errors import LaunchError
from efishery_run.manifests import Json, read

_GATEWAY = {"istio": "ingressgateway"}
_MANAGER = "envoy.filters.network.http_connection_manager"


def gateway_patches(*files: Path) -> list[Json]:
    """Read the patches of the ingress gateway's EnvoyFilters, in order; raises LaunchError."""
    filters = [document["spec"] for path in files for document in read(path) if document.get("kind") == "EnvoyFilter"]
    chosen = [spec for spec in filters if spec.get("workloadSelector", {}).get("labels") == _GATEWAY]
    return [patch for spec in chosen for patch in spec["configPatches"]]


def patched(listener: Json, patches: list[Json]) -> Json:
    """Apply `patches` to a listener with one filter chain, whose last filter is the HTTP connection manager."""
    for each in patches:
        listener = _apply(listener, each["applyTo"], each["patch"]["operation"], each["patch"]["value"])
    return listener


def _apply(listener: Json, target: str, operation: str, value: Json) -> Json:
    chain = listener["filter_chains"][0]
    match target, operation:
        case "LISTENER", "MERGE":
            return _merged(listener, value)
        case "NETWORK_FILTER", "INSERT_FIRST":
            filters = [value, *chain["filters"]]
        case "NETWORK_FILTER", "MERGE" if value["name"] == _MANAGER:
            filters = [*chain["filters"][:-1], _merged(chain["filters"][-1], value)]
        case "HTTP_FILTER", "INSERT_FIRST":
            filters = [*chain["filters"][:-1], _with_http_filter(chain["filters"][-1], value)]
        case _:
            raise LaunchError(f"the local gateway cannot apply an EnvoyFilter's {operation} to {target}")
    return {**listener, "filter_chains": [{**chain, "filters": filters}]}


def _with_http_filter(manager: Json, value: Json) -> Json:
    config = manager["typed_config"]
    return {**manager, "typed_config": {**config, "http_filters": [value, *config["http_filters"]]}}


def _merged(old: Json, new: Json) -> Json:
    """Merge as Istio does with these messages: the new value counts, except that objects are merged."""
    both = {key: _merged(old[key], new[key]) for key in old.keys() & new.keys() if isinstance(new[key], dict)}
    return {**old, **new, **both}
