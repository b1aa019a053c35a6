"""Envoy's routes, from the Istio VirtualService: one file says where a path leads.

Reads the part of the VirtualService that the project uses
(https://istio.io/latest/docs/reference/config/networking/virtual-service/) and refuses the rest by name, so that this
gateway never differs from the mesh's without notice.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from efishery_gateway.errors import GatewayError
from efishery_gateway.manifests import Json, duration, read, refuse_others

_HTTP_KEYS: Final = {"name", "match", "route", "timeout", "retries"}
_MATCH_KEYS: Final = {"name", "uri", "method"}


def routes(virtual_service: Path, services: Collection[str]) -> Iterator[Json]:
    """Make the routes to `services`; raises GatewayError when the file uses what this gateway cannot do."""
    for rule in _http_rules(virtual_service):
        if "delegate" in rule:  # no canary here, so Istio would leave it out too
            continue
        refuse_others(rule, _HTTP_KEYS, "a VirtualService's http rule")
        action = _action(rule, services)
        for match in rule.get("match", [{"uri": {"prefix": "/"}}]):
            refuse_others(match, _MATCH_KEYS, "a VirtualService's match")
            yield {"match": _path(match["uri"]) | _method(match), "route": action}


def _http_rules(path: Path) -> list[Json]:
    found = [document["spec"]["http"] for document in read(path) if document.get("kind") == "VirtualService"]
    if len(found) != 1:
        raise GatewayError(f"{path} must have one VirtualService, not {len(found)}")
    rules: list[Json] = found[0]
    return rules


def _path(uri: Json) -> Json:
    if set(uri) == {"exact"}:
        return {"path": uri["exact"]}
    if set(uri) == {"prefix"}:
        return {"prefix": uri["prefix"]}
    raise GatewayError(f"the gateway cannot match uri by {', '.join(uri)}: use exact or prefix")


def _method(match: Json) -> Json:
    if "method" not in match:
        return {}
    if set(match["method"]) != {"regex"}:
        raise GatewayError(f"the gateway cannot match method by {', '.join(match['method'])}: use regex")
    return {"headers": [{"name": ":method", "string_match": {"safe_regex": match["method"]}}]}


def _action(rule: Json, services: Collection[str]) -> Json:
    if len(rule.get("route", [])) != 1:
        raise GatewayError("each http rule of the VirtualService must have one route")
    name = rule["route"][0]["destination"]["host"].split(".")[0]
    if name not in services:
        raise GatewayError(f"the VirtualService leads to {name}, which this run does not have")
    action: Json = {"cluster": name, "timeout": "0s"}
    if "timeout" in rule:
        action["timeout"] = duration(rule["timeout"])
    if rule.get("retries", {}).get("attempts"):
        action["retry_policy"] = _retries(rule["retries"])
    return action


def _retries(retries: Json) -> Json:
    conditions = retries.get("retryOn", "connect-failure,refused-stream,unavailable,cancelled")
    policy: Json = {"num_retries": retries["attempts"], "retry_on": conditions}
    if "perTryTimeout" in retries:
        policy["per_try_timeout"] = duration(retries["perTryTimeout"])
    return policy
