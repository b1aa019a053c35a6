"""What takes an admin's token: the mesh refuses it to anyone else."""

from collections.abc import Callable

import pytest

from tests.e2e.conftest import Gateway, Headers
from tests.protected_paths import ADMIN_REQUESTS

REGISTRATION = '{{"name": "Mallory", "phone": "{phone}", {role}}}'
JSON = "application/json"
# By name: the role in the body, the content type.
ADMIN_ROLES = {
    "plain": ('"role": "admin"', JSON),
    "escaped value": (r'"role": "\u0061dmin"', JSON),
    "escaped field": (r'"\u0072ole": "admin"', JSON),
    "repeated field": ('"role": "user", "role": "admin"', JSON),
    "repeated escaped field": (r'"role": "user", "\u0072ole": "admin"', JSON),
    "after what is not JSON": ('"name": NaN, "name": "Mallory", "role": "admin"', JSON),
    "after too large a number": ('"name": 1e999, "name": "Mallory", "role": "admin"', JSON),
    "spaces": (" " * 3000 + '"role"\r\n:\t"admin"', JSON),
    "charset": ('"role": "admin"', "application/json; charset=utf-16"),
    "upper case type": ('"role": "admin"', "APPLICATION/JSON"),
    "other JSON type": ('"role": "admin"', "application/foo+json"),
    "no type": ('"role": "admin"', ""),
    "form type": ('"role": "admin"', "application/x-www-form-urlencoded"),
}


@pytest.mark.parametrize(("method", "path"), ADMIN_REQUESTS)
def test_the_mesh_refuses_a_user(gateway: Gateway, user: Headers, method: str, path: str) -> None:
    response = gateway.request(method, path, headers=user)
    assert response.status_code == response.json()["status"] == 403
    assert "X-Request-ID" not in response.headers, "the mesh answers, before the request reaches the service"


@pytest.mark.parametrize(("method", "path"), ADMIN_REQUESTS)
def test_the_mesh_lets_an_admin_through(gateway: Gateway, admin: Headers, method: str, path: str) -> None:
    # No body, so that nothing changes; a service without the path answers 404.
    response = gateway.request(method, path.replace("/1", "/0"), headers=admin)
    assert "X-Request-ID" in response.headers, response.text


def register(gateway: Gateway, body: bytes, content_type: str, token: Headers) -> tuple[int, bool]:
    """Send a registration; answer the status, and whether it is the mesh that answered."""
    headers = token | ({"Content-Type": content_type} if content_type else {})
    response = gateway.request("POST", "/auth/register", data=body, headers=headers)
    assert response.status_code == response.json()["status"]
    return response.status_code, "X-Request-ID" not in response.headers


@pytest.mark.parametrize("token", ["none", "user"])
@pytest.mark.parametrize("name", ADMIN_ROLES)
def test_the_mesh_refuses_the_registration_of_an_admin(
    gateway: Gateway, user: Headers, new_phone: Callable[[], str], name: str, token: str
) -> None:
    role, content_type = ADMIN_ROLES[name]
    body = REGISTRATION.format(phone=new_phone(), role=role).encode()
    status, by_mesh = register(gateway, body, content_type, user if token == "user" else {})
    assert status in (400, 403, 415)
    assert by_mesh


def test_the_mesh_refuses_other_encodings_than_utf_8(gateway: Gateway, new_phone: Callable[[], str]) -> None:
    body = REGISTRATION.format(phone=new_phone(), role='"role": "admin"')
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        assert register(gateway, body.encode(encoding), JSON, {}) == (400, True)


def test_the_status_of_a_body_that_is_not_json_is_the_services(gateway: Gateway) -> None:
    assert register(gateway, b"{", JSON, {}) == (400, True)
    assert register(gateway, b"name=x", "application/x-www-form-urlencoded", {}) == (415, True)
    assert register(gateway, b"[]", JSON, {}) == (400, False)


@pytest.mark.parametrize("role", ['"role": "user"', '"role": "admin", "role": "user"'])
def test_the_mesh_lets_the_registration_of_a_user_through(
    gateway: Gateway, new_phone: Callable[[], str], role: str
) -> None:
    body = REGISTRATION.format(phone=new_phone(), role=role).encode()
    assert register(gateway, body, JSON, {}) == (201, False)


def test_an_admin_registers_an_admin(gateway: Gateway, admin: Headers, new_phone: Callable[[], str]) -> None:
    body = REGISTRATION.format(phone=new_phone(), role='"role": "admin"').encode()
    assert register(gateway, body, JSON, admin) == (201, False)
