"""The gateway's limits of what hashes a password or writes an account (envoyfilter-rate-limit.yaml)."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.cluster import NAMESPACE, Cluster, wait_for
from tests.e2e.conftest import Gateway
from tests.e2e.proxies import admin
from tests.load.flood import check_rate_limit
from tests.load.rate_limit import FILE, ISTIO, Bucket, config, of_one_address

# Prints how many of %d logins were answered and how many refused, and how many seconds they took. Each says that it is
# forwarded for another client.
LOGINS = """
import collections, http.client, json, time
connection = http.client.HTTPConnection("istio-ingressgateway.istio-system", timeout=20)
statuses, began = collections.Counter(), time.monotonic()
for number in range(%d):
    headers = {"Content-Type": "application/json", "X-Forwarded-For": f"198.51.100.{number %% 256}"}
    connection.request("POST", "/auth/login", "[]", headers)
    answer = connection.getresponse()
    answer.read()
    statuses[answer.status] += 1
refused = statuses.pop(429, 0)
print(json.dumps({"answered": sum(statuses.values()), "refused": refused, "seconds": time.monotonic() - began}))
"""


def limits_of_one_address(repository: Path) -> set[Bucket]:
    """Return the limit of each client address in the gateway's listeners, apart from those that it replaces."""
    dump = admin(
        repository, "istio-system", "deployment/istio-ingressgateway", "config_dump?resource=dynamic_listeners"
    )
    listeners = json.loads(dump)["configs"]
    filters = [
        http_filter
        for listener in listeners
        for chain in listener.get("active_state", {}).get("listener", {}).get("filter_chains", [])
        for network_filter in chain["filters"]
        for http_filter in network_filter["typed_config"].get("http_filters", [])
    ]
    limits = [each["typed_config"] for each in filters if each["name"] == "envoy.filters.http.local_ratelimit"]
    return {Bucket.of(each["descriptors"][0]["token_bucket"]) for each in limits}


@pytest.fixture
def default_limits(cluster: Cluster, repository: Path) -> Iterator[None]:
    """The limits of k8s/istio, in the place of those of hack/mesh."""
    names = ("networking.istio.io", "v1alpha3", "istio-system", "envoyfilters", "efishery-rate-limit")
    applied = cluster.custom.get_namespaced_custom_object(*names)
    default = yaml.safe_load((ISTIO / FILE).read_text())

    def apply(manifest: dict[str, Any]) -> None:
        cluster.custom.patch_namespaced_custom_object(*names, {"spec": manifest["spec"]})
        limit = Bucket.of(config(manifest)["descriptors"][0]["token_bucket"])
        wait_for(f"{limit} in the gateway", lambda: limits_of_one_address(repository) == {limit}, 30)

    try:
        apply(default)
        yield
    finally:
        apply(applied)


def test_requests_over_the_limit_are_429_and_others_are_not_limited(gateway: Gateway) -> None:
    check_rate_limit(gateway.url)


@pytest.mark.usefixtures("default_limits")
def test_one_client_is_limited_and_another_beside_it_is_not(cluster: Cluster) -> None:
    limit = of_one_address()

    def log_in(times: int) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(cluster.run_python("default", LOGINS % times))
        return result

    assert NAMESPACE != "default", "outside the mesh, so that the gateway sees the pods' own addresses"
    with ThreadPoolExecutor(2) as pool:
        fast, slow = pool.map(log_in, (4 * limit.burst, limit.burst))
    assert limit.burst <= fast["answered"] <= limit.burst + limit.rate * fast["seconds"] + 1
    assert fast["refused"] == 4 * limit.burst - fast["answered"] > 0
    assert slow["refused"] == 0
