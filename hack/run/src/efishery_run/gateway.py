"""Envoy's configuration, with the routes of the Istio VirtualService: one file says where a path leads.

Reads the part of the VirtualService that the project uses (https://istio.io/latest/docs/reference/config/networking/virtual-service/)
and refuses the rest by name, so that this gateway never quietly differs from the mesh's.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from efishery_run.errors import LaunchError
from efishery_run.ports import HOST

Json = dict[str, Any]

_TYPES: Final = "type.googleapis.com/envoy.extensions"
_HTTP_KEYS: Final = {"name", "match", "route", "timeout", "retries"}
_MATCH_KEYS: Final = {"name", "uri"}
# The path without its query: whoever puts a token there does not want it in a log.
_LOG_LINE: Final = (
    "%START_TIME% %REQ(:METHOD)% %PATH(NQ:ORIG_OR_PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% "
    "%BYTES_SENT% bytes %DURATION% ms %UPSTREAM_CLUSTER% %REQ(X-REQUEST-ID)%\n"
)
_LOG_FORMAT: Final = {"text_format_source": {"inline_string": _LOG_LINE}}
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def configuration(virtual_service: Path, port: int, services: Mapping[str, int]) -> Json:
    """Make the configuration of a gateway on `port` to `services` (local port by Service name).

    Raises LaunchError when the file is missing or uses what this gateway cannot do.
    """
    routes = list(_routes(_http_rules(virtual_service), services))
    return {
        "static_resources": {
            "listeners": [_listener(port, routes)],
            "clusters": [_cluster(name, local) for name, local in services.items()],
        }
    }


def _http_rules(path: Path) -> list[Json]:
    try:
        documents = [document for document in yaml.safe_load_all(path.read_text()) if document]
    except (OSError, yaml.YAMLError) as error:
        raise LaunchError(f"the gateway's routes cannot be read from {path}: {error}") from error
    found = [document["spec"]["http"] for document in documents if document.get("kind") == "VirtualService"]
    if len(found) != 1:
        raise LaunchError(f"{path} must have one VirtualService, not {len(found)}")
    rules: list[Json] = found[0]
    return rules


def _routes(rules: list[Json], services: Mapping[str, int]) -> Iterator[Json]:
    for rule in rules:
        _refuse_others(rule, _HTTP_KEYS, "http rule")
        action = _action(rule, services)
        for match in rule.get("match", [{"uri": {"prefix": "/"}}]):
            _refuse_others(match, _MATCH_KEYS, "match")
            yield {"match": _path(match["uri"]), "route": action}


def _path(uri: Json) -> Json:
    if set(uri) == {"exact"}:
        return {"path": uri["exact"]}
    if set(uri) == {"prefix"}:
        return {"prefix": uri["prefix"]}
    raise LaunchError(f"the gateway cannot match uri by {', '.join(uri)}: use exact or prefix")


def _action(rule: Json, services: Mapping[str, int]) -> Json:
    if len(rule.get("route", [])) != 1:
        raise LaunchError("each http rule of the VirtualService must have one route")
    name = rule["route"][0]["destination"]["host"].split(".")[0]
    if name not in services:
        raise LaunchError(f"the VirtualService leads to {name}, which this run does not have")
    action: Json = {"cluster": name, "timeout": "0s"}
    if "timeout" in rule:
        action["timeout"] = _duration(rule["timeout"])
    if rule.get("retries", {}).get("attempts"):
        action["retry_policy"] = _retries(rule["retries"])
    return action


def _retries(retries: Json) -> Json:
    conditions = retries.get("retryOn", "connect-failure,refused-stream,unavailable,cancelled")
    policy: Json = {"num_retries": retries["attempts"], "retry_on": conditions}
    if "perTryTimeout" in retries:
        policy["per_try_timeout"] = _duration(retries["perTryTimeout"])
    return policy


def _duration(text: str) -> str:
    """Turn Go's form, as in `1m30s` or `500ms`, into seconds, as in `90s`, which is all that Envoy reads."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    if "".join(number + unit for number, unit in parts) != text:
        raise LaunchError(f"the VirtualService has a duration that cannot be read: {text}")
    return f"{sum(float(number) * _UNITS[unit] for number, unit in parts):g}s"


def _refuse_others(given: Json, known: set[str], what: str) -> None:
    if others := sorted(set(given) - known):
        raise LaunchError(f"the local gateway does not know {', '.join(others)} in a VirtualService's {what}")


def _listener(port: int, routes: list[Json]) -> Json:
    return {
        "name": "gateway",
        "address": _address(port),
        # Without this, a second gateway could share the port and take half of the requests.
        "enable_reuse_port": False,
        "filter_chains": [{"filters": [_typed("envoy.filters.network.http_connection_manager", _manager(routes))]}],
    }


def _manager(routes: list[Json]) -> Json:
    return {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "use_remote_address": True,
        # As Istio's gateways do by default (pathNormalization BASE): `..` is resolved, `//` is kept.
        "normalize_path": True,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            _typed(
                "envoy.filters.http.router",
                {"@type": f"{_TYPES}.filters.http.router.v3.Router"},
            )
        ],
        "access_log": [
            _typed(
                "envoy.access_loggers.stdout",
                {"@type": f"{_TYPES}.access_loggers.stream.v3.StdoutAccessLog", "log_format": _LOG_FORMAT},
            )
        ],
    }


def _cluster(name: str, port: int) -> Json:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _address(port: int) -> Json:
    return {"socket_address": {"address": HOST, "port_value": port}}


def _typed(name: str, config: Json) -> Json:
    return {"name": name, "typed_config": config}
