"""The service starts with valid settings only, and answers its OpenAPI document and ping."""

import pytest
import yaml
from flask.testing import FlaskClient

from efishery_fetch.app import OPENAPI_DOCUMENT, create_app
from tests.keys import KeyPair


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
