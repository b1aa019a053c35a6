"""The system that `make up` has installed on the cluster of the current kubectl context."""

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.e2e.cluster import Cluster, run

Headers = dict[str, str]
# A name of the certificate that `make up` makes (hack/tls-secret). It has a dot, as Istio demands of a host.
CERTIFIED_NAME = "istio-ingressgateway.istio-system.svc"


class _NamedAdapter(HTTPAdapter):
    """Names a server other than the URL does in the TLS handshake, and verifies the certificate for that name."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, server_hostname=self._name)


class Gateway:
    """The public HTTP API through the ingress gateway; with `name`, as the host of that name."""

    def __init__(self, url: str, name: str | None = None) -> None:
        self.url = url
        self._session = requests.Session()
        if name:
            self._session.mount("https://", _NamedAdapter(name))
            self._session.headers["Host"] = name
        # The gateway may close an idle connection just when a request is sent on it (RFC 9112, section 9.5).
        self._session.headers["Connection"] = "close"

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send one request through the gateway."""
        return self._session.request(method, self.url + path, timeout=30, **options)

    def get(self, path: str, headers: Headers | None = None) -> requests.Response:
        """GET through the gateway."""
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: dict[str, Any], headers: Headers | None = None) -> requests.Response:
        """POST JSON through the gateway."""
        return self.request("POST", path, json=body, headers=headers)

    def login(self, phone: str, password: str) -> Headers:
        """Log in; return the Authorization header."""
        response = self.post("/auth/login", {"phone": phone, "password": password})
        assert response.status_code == 200, response.text
        return {"Authorization": f"Bearer {response.json()['data']['access_token']}"}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    with cluster.network_open_to_tests():
        yield cluster


def trust_ca(repository: Path, folder: Path) -> None:
    """Verify the gateway's certificate by the CA of the installation, if it has one of its own, in subprocesses too."""
    ca = run(repository, "hack/gateway-ca")
    if ca:
        path = folder / "ca.crt"
        path.write_text(ca)
        os.environ |= {"SSL_CERT_FILE": str(path), "REQUESTS_CA_BUNDLE": str(path)}


@pytest.fixture(scope="session", autouse=True)
def trusted_ca(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    trust_ca(repository, tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def gateway(repository: Path) -> Gateway:
    return Gateway(run(repository, "hack/gateway-url").strip())


@pytest.fixture
def admin(cluster: Cluster, gateway: Gateway) -> Headers:
    """The first admin, whose password the chart generated. Tokens end after minutes, and with a rotation of the key."""
    first = cluster.secret("auth-first-admin")
    return gateway.login(first["phone"], first["password"])


@pytest.fixture(scope="session")
def new_phone() -> Callable[[], str]:
    """Make unused phone numbers, so that the tests can be repeated on the same database."""
    return lambda: f"+628{secrets.randbelow(10**11):011d}"


@pytest.fixture(scope="session")
def registered(gateway: Gateway, new_phone: Callable[[], str]) -> dict[str, Any]:
    """A newly registered user, with the password."""
    answer = gateway.post("/auth/register", {"name": "Siti", "phone": new_phone()})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


@pytest.fixture
def user(gateway: Gateway, registered: dict[str, Any]) -> Headers:
    """That user, logged in."""
    return gateway.login(registered["phone"], registered["password"])
