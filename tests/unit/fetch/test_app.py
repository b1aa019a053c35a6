"""The service starts with valid settings only, and answers its OpenAPI document and ping."""

import pytest
import yaml
from fakeredis import FakeRedis
from flask.testing import FlaskClient
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from efishery_fetch.app import OPENAPI_DOCUMENT, create_app
from efishery_fetch.settings import FetchSettings
from tests.keys import KeyPair
from tests.unit.fetch.support import Headers, refreshing_client, upstream_row


def test_names_each_missing_setting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("FETCH_LIST_URL", "FETCH_REDIS_URL", "FETCH_VERIFICATION_KEYS_DIR"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as stopped:
        create_app()
    assert stopped.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "FETCH_LIST_URL: is required: set it",
        "FETCH_REDIS_URL: is required: set it",
        "FETCH_VERIFICATION_KEYS_DIR: is required: set it",
    ]


def test_the_highest_price_has_a_limit(settings: FetchSettings) -> None:
    values = settings.model_dump() | {"max_price_idr": 10**13}
    assert FetchSettings.model_validate(values).max_price_idr == 10**13
    with pytest.raises(ValidationError, match="less than or equal to 10000000000000"):
        FetchSettings.model_validate(values | {"max_price_idr": 10**13 + 1})


def test_a_price_at_that_limit_is_answered(
    settings: FetchSettings, redis: FakeRedis, httpserver: HTTPServer, admin: Headers
) -> None:
    httpserver.expect_request("/commodities").respond_with_json(
        [upstream_row(price=str(10**13 - each)) for each in range(3)]
    )
    pod = refreshing_client(settings.model_copy(update={"max_price_idr": 10**13}), redis)
    assert pod.get("/fetch/resource", headers=admin).get_json()["meta"]["count"] == 3
    (group,) = pod.get("/fetch/resource/aggregate", headers=admin).get_json()["data"]
    assert group["price"]["max"] == 10**13


def test_starts_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch, key_pair: KeyPair) -> None:
    monkeypatch.setenv("FETCH_LIST_URL", "http://sample/commodities")
    monkeypatch.setenv("FETCH_REDIS_URL", "redis://fetch@redis:6379/0")
    monkeypatch.setenv("FETCH_REDIS_PASSWORD", "a-password")
    monkeypatch.setenv("FETCH_VERIFICATION_KEYS_DIR", str(key_pair.certificate.parent))
    assert create_app().test_client().get("/ping").get_json()["msg"] == "pong"


def test_answers_its_document_to_anyone(client: FlaskClient) -> None:
    assert client.get("/fetch/swagdocs").get_json() == yaml.safe_load(OPENAPI_DOCUMENT.read_text())


def test_an_unknown_path_is_an_envelope(client: FlaskClient) -> None:
    answer = client.get("/fetch/nothing")
    assert (answer.status_code, answer.get_json()["status"]) == (404, 404)
