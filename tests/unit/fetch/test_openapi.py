"""The answers of the endpoints match the OpenAPI document."""

from typing import Any

import pytest
import yaml
from fakeredis import FakeRedis
from flask.testing import FlaskClient
from openapi_schema_validator import OAS30ReadValidator
from pytest_httpserver import HTTPServer

from efishery_fetch.app import OPENAPI_DOCUMENT
from tests.unit.fetch.support import RATE_KEY, Headers, upstream_row

DOCUMENT = yaml.safe_load(OPENAPI_DOCUMENT.read_text())
ROWS = [
    upstream_row(),
    upstream_row(size="", area_provinsi="Bali"),
    upstream_row(timestamp="", tgl_parsed=""),
    {},
]
OPERATIONS = ["/fetch/resource", "/fetch/resource/aggregate", "/fetch/claims", "/fetch/rate", "/ping"]


def schema_of(path: str, status: int) -> dict[str, Any]:
    """Return the schema of a JSON answer, with the document's components in its reach."""
    response = DOCUMENT["paths"][path]["get"]["responses"][str(status)]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return {**response["content"]["application/json"]["schema"], "components": DOCUMENT["components"]}


def check(path: str, status: int, body: object) -> None:
    # A sibling of $ref is ignored in OpenAPI 3.0, so the reference goes one level down.
    schema = schema_of(path, status)
    whole = {"allOf": [{k: v for k, v in schema.items() if k != "components"}], "components": schema["components"]}
    OAS30ReadValidator(whole).validate(body)


def test_the_example_of_an_internal_error_is_what_is_answered(client: FlaskClient) -> None:
    client.application.add_url_rule("/defect", view_func=lambda: str(1 // 0))
    example = DOCUMENT["components"]["responses"]["InternalError"]["content"]["application/json"]["example"]
    assert client.get("/defect").get_json() == example


@pytest.mark.parametrize("path", OPERATIONS)
def test_answers_match_their_schema(client: FlaskClient, httpserver: HTTPServer, admin: Headers, path: str) -> None:
    httpserver.expect_request("/commodities").respond_with_json(ROWS)
    answer = client.get(path, headers=admin)
    assert answer.status_code == 200
    check(path, 200, answer.get_json())


@pytest.mark.parametrize("path", OPERATIONS[:-1])
def test_examples_match_their_schema(path: str) -> None:
    check(path, 200, DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"])


def test_a_list_without_a_rate_matches(
    client: FlaskClient, httpserver: HTTPServer, redis: FakeRedis, user: Headers
) -> None:
    redis.delete(RATE_KEY)
    httpserver.expect_request("/commodities").respond_with_json(ROWS)
    check("/fetch/resource", 200, client.get("/fetch/resource", headers=user).get_json())


@pytest.mark.parametrize(
    ("path", "status", "role"),
    [
        ("/fetch/resource", 401, None),
        ("/fetch/resource", 502, "user"),
        ("/fetch/resource/aggregate", 403, "user"),
        ("/fetch/rate", 503, "user"),
    ],
)
def test_errors_match_their_schema(
    client: FlaskClient,
    httpserver: HTTPServer,
    redis: FakeRedis,
    user: Headers,
    path: str,
    status: int,
    role: str | None,
) -> None:
    redis.delete(RATE_KEY)
    httpserver.expect_request("/commodities").respond_with_data("no JSON")
    answer = client.get(path, headers=user if role else {})
    assert answer.status_code == status
    check(path, status, answer.get_json())
