"""The headers that a service sees of what a client sent."""

import ipaddress
import json
from collections.abc import Callable, Iterator

import pytest
import yaml

from tests.charts.helm import REPOSITORY
from tests.e2e.cluster import NAMESPACE, Cluster, wait_for
from tests.e2e.conftest import Gateway, Headers

ECHO = """
import http.server, json
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps([[name.lower(), value] for name, value in self.headers.items()]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("", 8080), Echo).serve_forever()
"""
Echo = Callable[[Headers], list[tuple[str, str]]]


@pytest.fixture(scope="module")
def echo(cluster: Cluster, gateway: Gateway) -> Iterator[Echo]:
    """Sends headers through the gateway to a service of the mesh, and answers those that it got."""
    with (
        cluster.temporary_namespace(**{"istio-injection": "enabled"}) as namespace,
        cluster.python_server(namespace, ECHO, 8080) as name,
    ):
        host = {"Host": f"{name}.example"}
        destination = {"host": f"{name}.{namespace}.svc.cluster.local", "port": {"number": 8080}}
        route = {"hosts": list(host.values()), "gateways": [f"{NAMESPACE}/efishery"]}
        cluster.create_virtual_service(namespace, name, route | {"http": [{"route": [{"destination": destination}]}]})
        wait_for("the route to the echo", lambda: gateway.get("/", host).status_code == 200)
        yield lambda headers: [(key, value) for key, value in json.loads(gateway.get("/", headers | host).text)]


def removed() -> list[str]:
    """The headers that envoyfilter-headers.yaml removes."""
    manifest = yaml.safe_load((REPOSITORY / "k8s/istio/base/envoyfilter-headers.yaml").read_text())
    names: list[str] = manifest["spec"]["configPatches"][0]["patch"]["value"]["request_headers_to_remove"]
    return names


def test_headers_that_name_the_caller_are_removed(echo: Echo) -> None:
    names = removed()
    sent = dict.fromkeys(names, "admin") | {name.replace("-", "_"): "admin" for name in names} | {"x-other": "kept"}
    got = dict(echo(sent))
    assert got["x-other"] == "kept"
    assert not {name.replace("_", "-") for name in got} & set(names)


def test_the_client_certificate_is_the_gateways(echo: Echo) -> None:
    forged = "URI=spiffe://cluster.local/ns/efishery/sa/auth"
    (certificate,) = [
        value for name, value in echo({"X-Forwarded-Client-Cert": forged}) if name == "x-forwarded-client-cert"
    ]
    assert forged not in certificate
    assert "URI=spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway" in certificate


@pytest.mark.parametrize("forged", ["203.0.113.7", "203.0.113.7, 203.0.113.8", "x", "127.0.0.1"])
def test_the_last_forwarded_address_is_the_gateways_client(echo: Echo, forged: str) -> None:
    """What ProxyFix(x_for=1) takes. A client can only add entries in front of it."""
    plain = dict(echo({}))["x-forwarded-for"]
    ipaddress.ip_address(plain)  # ValueError unless it is one address
    (got,) = [value for name, value in echo({"X-Forwarded-For": forged}) if name == "x-forwarded-for"]
    assert got == f"{forged},{plain}"
