"""The page of docs and its settings."""

import json
import re

import pytest
from flask.testing import FlaskClient

from efishery_docs import create_app


@pytest.fixture
def client() -> FlaskClient:
    return create_app().test_client()


def test_docs_redirects_to_the_page_on_any_host(client: FlaskClient) -> None:
    answer = client.get("/docs", base_url="http://elsewhere:1234")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/docs/")


def test_the_page_lists_both_documents(client: FlaskClient) -> None:
    page = client.get("/docs/")
    assert page.status_code == 200
    found = re.search(r"user_config = (\{.*\});", page.text)
    assert found is not None
    config = json.loads(found[1])
    assert config["urls"] == [
        {"name": "auth", "url": "/auth/swagdocs"},
        {"name": "fetch", "url": "/fetch/swagdocs"},
    ]
    assert config["persistAuthorization"] is True


def test_the_page_requests_nothing_from_other_hosts(client: FlaskClient) -> None:
    page = client.get("/docs/")
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(assets) >= 4
    for path in assets:
        with client.get(path) as asset:
            assert asset.status_code == 200, path
    policy = page.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'self'", "frame-ancestors 'none'"} <= set(policy)


def test_an_unknown_path_is_404_in_the_envelope(client: FlaskClient) -> None:
    answer = client.get("/docs/nothing.js")
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["success"] is False


def test_the_documents_are_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCS_DOCUMENTS", "one=/1, two=/2")
    page = create_app().test_client().get("/docs/").text
    assert '"urls": [{"name": "one", "url": "/1"}, {"name": "two", "url": "/2"}]' in page


@pytest.mark.parametrize("value", ["auth", "=/auth", "auth=https://elsewhere/", ","])
def test_bad_documents_are_an_error_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv("DOCS_DOCUMENTS", value)
    with pytest.raises(SystemExit) as caught:
        create_app()
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("DOCS_DOCUMENTS: ")
