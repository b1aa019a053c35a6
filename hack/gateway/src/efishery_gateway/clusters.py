"""Envoy's clusters, from the Istio DestinationRules: how many requests a service gets at a time.

Reads the connection pools (https://istio.io/latest/docs/reference/config/networking/destination-rule/). What only makes
sense in a mesh is left out: mutual TLS, and ejection of pods, since each service is one process here.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from efishery_gateway.addresses import Address
from efishery_gateway.manifests import Json, duration, read, refuse_others

_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_TCP_KEYS: Final = {"connectTimeout"}
_HTTP_KEYS: Final = {"http1MaxPendingRequests", "http2MaxRequests", "maxRequestsPerConnection", "idleTimeout"}


def clusters(destination_rules: Path, services: Mapping[str, Address]) -> Iterator[Json]:
    """Make a cluster for each of `services` (address by name), with the limits that its DestinationRule has."""
    rules = {rule["metadata"]["name"]: rule["spec"]["trafficPolicy"] for rule in read(destination_rules)}
    for name, address in services.items():
        yield _cluster(name, address) | _limits(name, rules.get(name, {}).get("connectionPool", {}))


def _cluster(name: str, address: Address) -> Json:
    endpoint = {"endpoint": {"address": address.envoy()}}
    return {
        "name": name,
        "type": "STRICT_DNS",  # a container that is replaced has another IP address
        "dns_lookup_family": "V4_ONLY",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _limits(name: str, pool: Json) -> Json:
    tcp, http = pool.get("tcp", {}), pool.get("http", {})
    refuse_others(tcp, _TCP_KEYS, f"the DestinationRule of {name}")
    refuse_others(http, _HTTP_KEYS, f"the DestinationRule of {name}")
    limits: Json = {"connect_timeout": duration(tcp.get("connectTimeout", "2s"))}
    if http:
        limits["circuit_breakers"] = {"thresholds": [_thresholds(http)]}
        limits["typed_extension_protocol_options"] = {_OPTIONS: _protocol_options(http)}
    return limits


def _thresholds(http: Json) -> Json:
    names = {"http2MaxRequests": "max_requests", "http1MaxPendingRequests": "max_pending_requests"}
    return {ours: http[theirs] for theirs, ours in names.items() if theirs in http}


def _protocol_options(http: Json) -> Json:
    common: Json = {}
    if "idleTimeout" in http:
        common["idle_timeout"] = duration(http["idleTimeout"])
    if "maxRequestsPerConnection" in http:
        common["max_requests_per_connection"] = http["maxRequestsPerConnection"]
    return {
        "@type": f"type.googleapis.com/{_OPTIONS}",
        "common_http_protocol_options": common,
        "explicit_http_config": {"http_protocol_options": {}},
    }
