"""Envoy's configuration, with the routes, limits and error answers of the mesh's gateway, from k8s/istio."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from efishery_gateway.addresses import Address
from efishery_gateway.clusters import clusters
from efishery_gateway.envoyfilters import gateway_patches, patched
from efishery_gateway.manifests import Json
from efishery_gateway.routes import routes

_TYPES: Final = "type.googleapis.com/envoy.extensions"
# The path without its query, which may contain a token.
_LOG_LINE: Final = (
    "%START_TIME% %REQ(:METHOD)% %PATH(NQ:ORIG_OR_PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% "
    "%BYTES_SENT% bytes %DURATION% ms %UPSTREAM_CLUSTER% %REQ(X-REQUEST-ID)%\n"
)
_LOG_FORMAT: Final = {"text_format_source": {"inline_string": _LOG_LINE}}


def configuration(istio: Path, listen: Address, services: Mapping[str, Address]) -> Json:
    """Make the configuration of a gateway at `listen` to `services` (address by Service name) from folder `istio`.

    Raises GatewayError when a file is missing or uses what this gateway cannot do.
    """
    listener = _listener(listen, list(routes(istio / "virtualservice.yaml", services)))
    patches = gateway_patches(*sorted(istio.glob("envoyfilter-*.yaml")))
    return {
        "static_resources": {
            "listeners": [patched(listener, patches)],
            "clusters": list(clusters(istio / "destinationrules.yaml", services)),
        }
    }


def _listener(listen: Address, routes: list[Json]) -> Json:
    return {
        "name": "gateway",
        "address": listen.envoy(),
        # With SO_REUSEPORT a second gateway could share the port and get half of the requests.
        "enable_reuse_port": False,
        "filter_chains": [{"filters": [_typed("envoy.filters.network.http_connection_manager", _manager(routes))]}],
    }


def _manager(routes: list[Json]) -> Json:
    return {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "use_remote_address": True,
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


def _typed(name: str, config: Json) -> Json:
    return {"name": name, "typed_config": config}
