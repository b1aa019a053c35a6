from flask.testing import FlaskClient

from tests.unit.auth.conftest import ADMIN_PHONE


def test_answers_the_claims_of_the_token(client: FlaskClient, admin: dict[str, str]) -> None:
    response = client.get("/auth/claims", headers=admin)
    assert response.status_code == 200
    assert {"phone": ADMIN_PHONE, "role": "admin"}.items() <= response.get_json()["data"].items()


def test_needs_a_token(client: FlaskClient) -> None:
    response = client.get("/auth/claims")
    assert response.status_code == response.get_json()["status"] == 401
