"""The API through the Istio gateway."""

from collections.abc import Callable

import jwt
import pytest

from tests.e2e.cluster import wait_for
from tests.e2e.conftest import Gateway, Headers
from tests.protected_paths import PROTECTED_PATHS


def test_ping(gateway: Gateway) -> None:
    response = gateway.get("/ping")
    assert (response.status_code, response.json()["msg"]) == (200, "pong")


def test_a_phone_is_registered_once(gateway: Gateway, new_phone: Callable[[], str]) -> None:
    form = {"name": "Siti", "phone": new_phone()}
    assert gateway.post("/auth/register", form).status_code == 201
    again = gateway.post("/auth/register", form)
    assert again.status_code == again.json()["status"] == 409


def test_a_wrong_password_is_refused(gateway: Gateway, new_phone: Callable[[], str]) -> None:
    response = gateway.post("/auth/login", {"phone": new_phone(), "password": "wrong"})
    assert response.status_code == response.json()["status"] == 401


@pytest.mark.parametrize("service", ["auth", "fetch"])
def test_both_services_read_the_same_claims(gateway: Gateway, user: Headers, service: str) -> None:
    claims = gateway.get(f"/{service}/claims", user).json()["data"]
    assert {"name": "Siti", "role": "user", "iss": "efishery-auth", "aud": "efishery"}.items() <= claims.items()


def test_the_list_has_a_price_in_dollars_on_every_row(gateway: Gateway, user: Headers) -> None:
    response = gateway.get("/fetch/resource", user)
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["meta"]["count"] == len(body["data"]) > 0
    assert body["meta"]["received"] == body["meta"]["count"] + sum(body["meta"]["rejected"].values())
    assert all(row["price_usd"] is not None for row in body["data"])


def test_the_rate_is_fresh(gateway: Gateway, user: Headers) -> None:
    rate = gateway.get("/fetch/rate", user).json()["data"]
    assert {"base": "IDR", "quote": "USD", "stale": False}.items() <= rate.items()


def test_the_history_has_the_rate_of_today(gateway: Gateway, user: Headers) -> None:
    history = gateway.get("/fetch/rate/history", user).json()
    assert 1 <= history["meta"]["count"] <= 31
    assert history["data"][0]["rate"] > 0


def test_a_list_that_has_not_changed_is_not_sent_again(gateway: Gateway, user: Headers) -> None:
    headers = user | {"Accept-Encoding": "gzip"}

    def etag_of_all_pods() -> str | None:
        # A new rate reaches each pod within a second. The gateway picks a pod for each request: 20 ask all of them.
        etags = {gateway.get("/fetch/resource", headers).headers["ETag"] for _ in range(20)}
        return etags.pop() if len(etags) == 1 else None

    etag = wait_for("the pods to have one list", etag_of_all_pods, seconds=20)
    answer = gateway.get("/fetch/resource", headers | {"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_query_selects_a_page_as_csv(gateway: Gateway, user: Headers) -> None:
    answer = gateway.get("/fetch/resource?sort=-price&limit=2&fields=komoditas,price&format=csv", user)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert len(answer.text.splitlines()) == 3
    assert 'rel="next"' in answer.headers["Link"]


def test_an_admin_sees_the_aggregate(gateway: Gateway, admin: Headers) -> None:
    response = gateway.get("/fetch/resource/aggregate", admin)
    assert response.status_code == 200, response.text
    assert response.json()["data"]


def test_the_mesh_refuses_a_user_the_aggregate(gateway: Gateway, user: Headers) -> None:
    response = gateway.get("/fetch/resource/aggregate", user)
    assert response.status_code == response.json()["status"] == 403
    assert "X-Request-ID" not in response.headers, "the mesh answers, before the request reaches the service"


@pytest.mark.parametrize("path", PROTECTED_PATHS)
def test_no_token_is_refused(gateway: Gateway, path: str) -> None:
    response = gateway.get(path)
    assert response.status_code == response.json()["status"] == 403


@pytest.mark.parametrize("path", ["/auth/claims", "/fetch/resource", "/fetch/resource/aggregate"])
def test_a_token_with_a_forged_signature_is_refused(gateway: Gateway, admin: Headers, path: str) -> None:
    forged = admin["Authorization"].removeprefix("Bearer ").rpartition(".")[0] + ".Zm9yZ2Vk"
    response = gateway.get(path, {"Authorization": f"Bearer {forged}"})
    assert response.status_code == response.json()["status"] == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_published_keys_verify_a_token(gateway: Gateway, user: Headers) -> None:
    token = user["Authorization"].removeprefix("Bearer ")
    keys = jwt.PyJWKSet.from_dict(gateway.get("/auth/.well-known/jwks.json").json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, ["RS256"], audience="efishery")["name"] == "Siti"


def test_a_user_cannot_register_an_admin(gateway: Gateway, user: Headers, new_phone: Callable[[], str]) -> None:
    response = gateway.post("/auth/register", {"name": "X", "phone": new_phone(), "role": "admin"}, user)
    assert response.status_code == response.json()["status"] == 403


@pytest.mark.parametrize("service", ["auth", "fetch"])
def test_the_documents_are_public(gateway: Gateway, service: str) -> None:
    assert gateway.get(f"/{service}/swagdocs").json()["openapi"].startswith("3.0.")


def test_the_docs_page_is_public(gateway: Gateway) -> None:
    response = gateway.get("/docs")
    assert response.status_code == 200
    assert "swagger-ui" in response.text


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/healthz", "/commodities", "/"])
def test_paths_that_are_not_public_are_not_routed(gateway: Gateway, path: str) -> None:
    response = gateway.get(path)
    assert response.status_code == response.json()["status"] == 404
