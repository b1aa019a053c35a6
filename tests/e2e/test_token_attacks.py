"""No attack on tokens gets past the gateway and the services; what the proxies can know, they refuse by themselves."""

import base64
from collections.abc import Callable

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.e2e.cluster import NAMESPACE, Cluster
from tests.e2e.conftest import Gateway
from tests.security.attacks import ATTACKS, Attack, Material


@pytest.fixture(scope="module")
def material(cluster: Cluster, gateway: Gateway, new_phone: Callable[[], str]) -> Material:
    """Return the key of the cluster's auth, and the claims of a user's token."""
    secret = cluster.core.read_namespaced_secret("auth-signing-key", NAMESPACE).data
    key = load_pem_private_key(base64.b64decode(secret["tls.key"]), password=None)
    assert isinstance(key, RSAPrivateKey)
    registered = gateway.post("/auth/register", {"name": "Siti", "phone": new_phone()}).json()["data"]
    user = gateway.login(registered["phone"], registered["password"])
    token = user["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    return Material(key, jwt.get_unverified_header(token)["kid"], base64.b64decode(secret["tls.crt"]), claims)


def ask(gateway: Gateway, path: str, token: str) -> requests.Response:
    """Send a request with the token."""
    return gateway.get(path, {"Authorization": f"Bearer {token}"})


def test_the_token_that_attacks_start_from_is_accepted(gateway: Gateway, material: Material) -> None:
    assert ask(gateway, "/auth/claims", material.valid()).status_code == 200
    assert ask(gateway, "/fetch/claims", material.valid()).status_code == 200


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_is_refused(gateway: Gateway, material: Material, attack: Attack) -> None:
    token = attack.make(material)
    for path in ("/auth/claims", "/fetch/claims", "/fetch/resource"):
        answer = ask(gateway, path, token)
        assert answer.status_code in (401, 403), (path, answer.text)
        by_the_mesh = "X-Request-ID" not in answer.headers
        assert by_the_mesh or not attack.mesh_knows, f"{path}: only the service refused it"
