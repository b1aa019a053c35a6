"""Limits and error answers of the mesh's gateway, from the EnvoyFilters that select it.

Applies the patches that the project uses (https://istio.io/latest/docs/reference/config/networking/envoy-filter/)
and refuses the rest by name.
"""

from collections.abc import Callable
from pathlib import Path

from efishery_gateway.errors import GatewayError
from efishery_gateway.manifests import Json, read

_GATEWAY = {"istio": "ingressgateway"}
_MANAGER = "envoy.filters.network.http_connection_manager"


def gateway_patches(*files: Path) -> list[Json]:
    """Read the patches of the ingress gateway's EnvoyFilters, in order; raises GatewayError."""
    filters = [document["spec"] for path in files for document in read(path) if document.get("kind") == "EnvoyFilter"]
    chosen = [spec for spec in filters if spec.get("workloadSelector", {}).get("labels") == _GATEWAY]
    return [patch for spec in chosen for patch in spec["configPatches"]]


def patched(listener: Json, patches: list[Json]) -> Json:
    """Apply `patches` to a listener with one filter chain, whose last filter is the HTTP connection manager.

    Those for a port of the ingress gateway are left out: they are for its TLS, which this gateway does not have.
    """
    for each in patches:
        if "portNumber" not in each.get("match", {}).get("listener", {}):
            listener = _apply(listener, each)
    return listener


def _apply(listener: Json, patch: Json) -> Json:
    target, operation, value = patch["applyTo"], patch["patch"]["operation"], patch["patch"]["value"]
    chain = listener["filter_chains"][0]
    others, manager = chain["filters"][:-1], chain["filters"][-1]
    match target, operation, _before(patch):
        case "LISTENER", "MERGE", None:
            return _merged(listener, value)
        case "FILTER_CHAIN", "MERGE", None:
            return {**listener, "filter_chains": [_merged(chain, value)]}
        case "NETWORK_FILTER", "INSERT_FIRST", None:
            filters = [value, *others, manager]
        case "NETWORK_FILTER", "MERGE", None if value["name"] == _MANAGER:
            filters = [*others, _merged(manager, value)]
        case "ROUTE_CONFIGURATION", "MERGE", None:
            filters = [*others, _merged(manager, {"typed_config": {"route_config": value}})]
        case "HTTP_FILTER", "INSERT_FIRST", None:
            filters = [*others, _with_http_filters(manager, lambda old: [value, *old])]
        case "HTTP_FILTER", "INSERT_BEFORE", "envoy.filters.http.router":
            filters = [*others, _with_http_filters(manager, lambda old: [*old[:-1], value, old[-1]])]
        case _:
            raise GatewayError(f"the local gateway cannot apply an EnvoyFilter's {operation} to {target}")
    return {**listener, "filter_chains": [{**chain, "filters": filters}]}


def _before(patch: Json) -> str | None:
    """Return the name of the HTTP filter that a patch refers to."""
    chain = patch.get("match", {}).get("listener", {}).get("filterChain", {})
    name: str | None = chain.get("filter", {}).get("subFilter", {}).get("name")
    return name


def _with_http_filters(manager: Json, change: Callable[[list[Json]], list[Json]]) -> Json:
    config = manager["typed_config"]
    return {**manager, "typed_config": {**config, "http_filters": change(config["http_filters"])}}


def _merged(old: Json, new: Json) -> Json:
    """Merge as Istio does with these messages: the new value counts, except that objects are merged."""
    both = {key: _merged(old[key], new[key]) for key in old.keys() & new.keys() if isinstance(new[key], dict)}
    return {**old, **new, **both}
