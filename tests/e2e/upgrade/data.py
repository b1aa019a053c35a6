"""What a release stores for its users, made before an upgrade and checked after each step."""

import secrets
from dataclasses import dataclass
from typing import Any

from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Gateway, Headers
from tests.e2e.upgrade.load import Credentials

SECRETS = ("auth-first-admin", "auth-signing-key", "mysql", "mysql-tls", "redis")
Tokens = dict[str, Any]


def bearer(tokens: Tokens) -> Headers:
    """Return the header of an access token."""
    return {"Authorization": f"Bearer {tokens['access_token']}"}


@dataclass
class Data:
    """Users with generated and chosen passwords, an open session, the rate's history, and the Secrets."""

    secrets: dict[str, dict[str, str]]
    users: list[Credentials]
    session: Tokens
    rates: list[Any]


def create(cluster: Cluster, gateway: Gateway) -> Data:
    """Store something of each kind."""
    first = {name: cluster.secret(name) for name in SECRETS}
    admin = {key: first["auth-first-admin"][key] for key in ("phone", "password")}
    users = [admin, _with_chosen_password(gateway)]
    session = _data(gateway.post("/auth/login", users[1]))
    return Data(first, users, session, _rates(gateway, bearer(session)))


def problems(data: Data, cluster: Cluster, gateway: Gateway) -> list[str]:
    """Describe what is not as it was before the step; everybody logs in, and the session is refreshed."""
    found = [f"the Secret {name} has changed" for name in SECRETS if cluster.secret(name) != data.secrets[name]]
    for user in data.users:
        response = gateway.post("/auth/login", user)
        if response.status_code != 200:
            found.append(f"login of {user['phone']}: {response.status_code} {response.text}")
    return found + _problems_of_session(data, gateway)


def _problems_of_session(data: Data, gateway: Gateway) -> list[str]:
    found = [
        f"{path} with the session's token: {response.status_code} {response.text}"
        for path in ("/auth/claims", "/fetch/claims", "/fetch/resource")
        if (response := gateway.get(path, bearer(data.session))).status_code != 200
    ]
    refreshed = gateway.post("/auth/refresh", {"refresh_token": data.session["refresh_token"]})
    if refreshed.status_code != 200:
        return [*found, f"refresh of the session: {refreshed.status_code} {refreshed.text}"]
    data.session = refreshed.json()["data"]
    days = [each["date"] for each in _rates(gateway, bearer(data.session))]
    missing = [each["date"] for each in data.rates if each["date"] not in days]
    return found + [f"rates of these days are gone: {missing}"] * bool(missing)


def _with_chosen_password(gateway: Gateway) -> Credentials:
    phone = f"+628{secrets.randbelow(10**11):011d}"
    registered = _data(gateway.post("/auth/register", {"name": "Siti", "phone": phone}), 201)
    tokens = _data(gateway.post("/auth/login", {"phone": phone, "password": registered["password"]}))
    chosen = secrets.token_urlsafe(18)
    body = {"current_password": registered["password"], "new_password": chosen}
    _data(gateway.request("PUT", "/auth/password", json=body, headers=bearer(tokens)))
    return {"phone": phone, "password": chosen}


def _rates(gateway: Gateway, headers: Headers) -> list[Any]:
    rates: list[Any] = _data(gateway.get("/fetch/rate/history", headers))
    assert rates, "no rate has been stored"
    return rates


def _data(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json()["data"]
