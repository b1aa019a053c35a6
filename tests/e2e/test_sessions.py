"""Sessions through the gateway, on the real MySQL and Redis."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.cluster import wait_for
from tests.e2e.conftest import Gateway, Headers

REVOKED_SECONDS = 5
Tokens = dict[str, Any]


@pytest.fixture
def credentials(gateway: Gateway, new_phone: Callable[[], str]) -> dict[str, str]:
    """A newly registered user."""
    registered = gateway.post("/auth/register", {"name": "Siti", "phone": new_phone()})
    assert registered.status_code == 201, registered.text
    return {name: registered.json()["data"][name] for name in ("phone", "password")}


def log_in(gateway: Gateway, credentials: dict[str, str]) -> Tokens:
    response = gateway.post("/auth/login", credentials)
    assert response.status_code == 200, response.text
    tokens: Tokens = response.json()["data"]
    assert "refresh_token" in tokens, "the primary was unavailable"
    return tokens


def bearer(tokens: Tokens) -> Headers:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def refresh(gateway: Gateway, tokens: Tokens) -> Any:
    return gateway.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]})


def test_of_100_parallel_uses_of_a_refresh_token_one_gets_tokens(gateway: Gateway, credentials: dict[str, str]) -> None:
    tokens = log_in(gateway, credentials)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: refresh(Gateway(gateway.url), tokens), range(100)))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[200] == 1, statuses
    # A request that waited longer than the grace ends the session: the service cannot tell it from a theft.
    assert statuses.keys() <= {200, 409, 401, 503}, statuses


def test_both_services_refuse_the_tokens_of_an_ended_session(gateway: Gateway, credentials: dict[str, str]) -> None:
    tokens, other = (log_in(gateway, credentials) for _ in range(2))
    paths = ["/fetch/resource", "/fetch/claims", "/auth/claims"]
    for path in paths:
        for _ in range(10):  # all pods remember the token
            assert gateway.get(path, bearer(tokens)).status_code == 200
    assert gateway.request("POST", "/auth/logout", headers=bearer(tokens)).status_code == 200

    def is_refused() -> bool:
        return all(gateway.get(path, bearer(tokens)).status_code == 401 for path in paths for _ in range(10))

    wait_for("all pods to refuse the token", is_refused, seconds=REVOKED_SECONDS)
    assert refresh(gateway, tokens).status_code == 401
    assert all(gateway.get(path, bearer(other)).status_code == 200 for path in paths)


def test_sessions_are_listed_and_ended_from_another(gateway: Gateway, credentials: dict[str, str]) -> None:
    tokens, lost = (log_in(gateway, credentials) for _ in range(2))
    listed = gateway.get("/auth/sessions", bearer(tokens)).json()["data"]
    (lost_id,) = [each["id"] for each in listed if not each["current"]]
    ended = gateway.request("DELETE", f"/auth/sessions/{lost_id}", headers=bearer(tokens))
    assert ended.status_code == 200, ended.text
    assert refresh(gateway, lost).status_code == 401
    assert refresh(gateway, tokens).status_code == 200
