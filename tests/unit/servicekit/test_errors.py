import pytest
from flask import Flask
from flask.testing import FlaskClient

from servicekit import errors
from servicekit.bare import bare_app


@pytest.fixture
def app() -> Flask:
    return bare_app(__name__)


def client_that_raises(app: Flask, error: Exception) -> FlaskClient:
    def view() -> str:
        raise error

    app.add_url_rule("/", view_func=view)
    return app.test_client()


@pytest.mark.parametrize(
    "error",
    [
        errors.BadRequest("x"),
        errors.Unauthorized("x"),
        errors.Forbidden("x"),
        errors.Conflict("x"),
        errors.Invalid([], "x"),
        errors.BadGateway("x"),
        errors.Unavailable("x", retry_after=7),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_envelope_has_the_http_status(app: Flask, error: errors.ServiceError) -> None:
    response = client_that_raises(app, error).get("/")
    body = response.get_json()
    assert response.status_code == body["status"] == error.status
    assert body["success"] is False
    assert body["msg"] == "x"
    assert body["data"] is None


def test_invalid_lists_the_fields(app: Flask) -> None:
    client = client_that_raises(app, errors.Invalid([{"field": "phone", "msg": "is missing"}]))
    assert client.get("/").get_json()["errors"] == [{"field": "phone", "msg": "is missing"}]


def test_unavailable_has_retry_after(app: Flask) -> None:
    response = client_that_raises(app, errors.Unavailable("x", retry_after=7)).get("/")
    assert response.headers["Retry-After"] == "7"


def test_unauthorized_has_a_bearer_challenge(app: Flask) -> None:
    response = client_that_raises(app, errors.Unauthorized("x")).get("/")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_an_unexpected_error_does_not_reveal_its_cause(app: Flask) -> None:
    response = client_that_raises(app, RuntimeError("password hunter2")).get("/")
    assert response.status_code == response.get_json()["status"] == 500
    assert "hunter2" not in response.get_data(as_text=True)


def test_an_unknown_path_gets_a_404_envelope(app: Flask) -> None:
    response = app.test_client().get("/nowhere")
    assert response.status_code == response.get_json()["status"] == 404


def test_a_wrong_method_gets_405_with_allow(app: Flask) -> None:
    response = client_that_raises(app, RuntimeError()).post("/")
    assert response.status_code == response.get_json()["status"] == 405
    assert "GET" in response.headers["Allow"]
    assert response.headers["Content-Type"] == "application/json"
