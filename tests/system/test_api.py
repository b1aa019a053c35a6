"""The API through the gateway, as a client sees it."""

import base64
import json
import time
from typing import Any

import pytest
import requests

from tests.protected_paths import PROTECTED_PATHS
from tests.system.running import RunningSystem


def get(system: RunningSystem, path: str, token: str | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(f"{system.url}{path}", headers=headers, timeout=20, allow_redirects=False)


def part(token: str, number: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of a token, unverified."""
    text = token.split(".")[number]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return decoded


def test_ping_answers_pong(system: RunningSystem) -> None:
    answer = get(system, "/ping")
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "status": 200, "msg": "pong", "data": None}


def test_registering_an_admin_requires_an_admins_token(system: RunningSystem) -> None:
    user = {"name": "Mallory", "phone": "+62811999000", "role": "admin"}
    assert requests.post(f"{system.url}/auth/register", json=user, timeout=10).status_code in (401, 403)


def test_an_admin_registers_another(system: RunningSystem, admin_token: str) -> None:
    user = {"name": "Second", "phone": "+62811999001", "role": "admin"}
    headers = {"Authorization": f"Bearer {admin_token}"}
    answer = requests.post(f"{system.url}/auth/register", json=user, headers=headers, timeout=10)
    assert answer.status_code == 201, answer.text


def test_a_phone_registers_once(system: RunningSystem, user_token: str) -> None:
    user = {"name": "Again", "phone": "081234567890", "role": "user"}
    assert requests.post(f"{system.url}/auth/register", json=user, timeout=10).status_code == 409


def test_a_wrong_password_is_401(system: RunningSystem, user_token: str) -> None:
    wrong = {"phone": "+6281234567890", "password": "wrong"}
    answer = requests.post(f"{system.url}/auth/login", json=wrong, timeout=10)
    assert (answer.status_code, answer.json()["success"]) == (401, False)


@pytest.mark.parametrize("path", ["/auth/claims", "/fetch/claims"])
def test_both_services_read_the_same_claims(system: RunningSystem, user_token: str, path: str) -> None:
    claims = get(system, path, user_token).json()["data"]
    assert (claims["name"], claims["phone"], claims["role"]) == ("Siti", "+6281234567890", "user")
    assert claims == part(user_token, 1)


def test_the_key_of_a_token_is_published(system: RunningSystem, user_token: str) -> None:
    keys = get(system, "/auth/.well-known/jwks.json").json()["keys"]
    assert part(user_token, 0)["kid"] in [key["kid"] for key in keys]
    assert not any("d" in key for key in keys)


@pytest.fixture
def rate_in_use(system: RunningSystem, user_token: str) -> None:
    """Wait until fetch has read the rate: it looks each second."""
    deadline = time.monotonic() + 10
    while get(system, "/fetch/rate", user_token).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.usefixtures("rate_in_use")
def test_each_row_has_its_price_in_dollars(system: RunningSystem, user_token: str) -> None:
    answer = get(system, "/fetch/resource", user_token)
    assert answer.status_code == 200
    rows, meta = answer.json()["data"], answer.json()["meta"]
    rate = meta["rate"]["rate"]
    assert len(rows) > 150
    assert all(row["price_usd"] == pytest.approx(row["price"] * rate, rel=1e-3, abs=1e-4) for row in rows)


def test_every_row_of_the_upstream_is_accounted_for(system: RunningSystem, user_token: str) -> None:
    meta = get(system, "/fetch/resource", user_token).json()["meta"]
    assert meta["received"] == 219
    assert meta["received"] == meta["count"] + sum(meta["rejected"].values())


def test_the_aggregate_is_for_admins(system: RunningSystem, admin_token: str, user_token: str) -> None:
    answer = get(system, "/fetch/resource/aggregate", admin_token)
    assert answer.status_code == 200
    groups = answer.json()["data"]
    assert len(groups) > 20
    assert all(group["price"]["min"] <= group["price"]["median"] <= group["price"]["max"] for group in groups)
    assert get(system, "/fetch/resource/aggregate", user_token).status_code == 403


@pytest.mark.usefixtures("rate_in_use")
def test_the_rate_came_from_the_sample(system: RunningSystem, user_token: str) -> None:
    rate = get(system, "/fetch/rate", user_token).json()["data"]
    assert (rate["source"], rate["base"], rate["quote"], rate["stale"]) == ("custom", "IDR", "USD", False)
    assert 0.00006 < rate["rate"] < 0.000062


@pytest.mark.parametrize("path", PROTECTED_PATHS)
def test_without_a_token_it_is_401_in_the_envelope(system: RunningSystem, path: str) -> None:
    answer = get(system, path)
    assert answer.status_code == 401
    assert (answer.json()["success"], answer.json()["status"]) == (False, 401)


@pytest.mark.parametrize("path", ["/auth/nothing", "/fetch/nothing", "/docs/nothing"])
def test_an_unknown_path_is_404_in_the_envelope(system: RunningSystem, path: str) -> None:
    answer = get(system, path)
    assert answer.status_code == 404
    assert (answer.json()["success"], answer.json()["status"]) == (False, 404)


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics", "/commodities", "/rate"])
def test_paths_that_are_not_public_are_not_routed(system: RunningSystem, path: str) -> None:
    answer = get(system, path)
    assert answer.status_code == answer.json()["status"] == 404


@pytest.mark.parametrize(("service", "route"), [("auth", "/auth/login"), ("fetch", "/fetch/resource")])
def test_each_service_documents_itself(system: RunningSystem, service: str, route: str) -> None:
    document = get(system, f"/{service}/swagdocs").json()
    assert document["openapi"].startswith("3.0.")
    assert route in document["paths"]


def test_docs_redirects_to_the_page(system: RunningSystem) -> None:
    assert get(system, "/docs").headers["Location"] == "/docs/"
    assert "swagger-ui" in get(system, "/docs/").text


def test_each_answer_has_a_request_id(system: RunningSystem) -> None:
    ids = {get(system, "/ping").headers["X-Request-ID"] for _ in range(2)}
    assert len(ids) == 2
