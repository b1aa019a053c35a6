"""The checked-in OpenAPI documents are valid, are what is served, and name exactly the routes that exist."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from flask import Flask
from openapi_spec_validator import validate

import efishery_auth
import efishery_auth.app
import efishery_fetch
import efishery_fetch.app
from efishery_auth.settings import AuthSettings
from efishery_fetch.settings import FetchSettings
from tests.keys import KeyPair


class Service(NamedTuple):
    """A service, its document, and where it serves it."""

    app: Flask
    document: dict[str, Any]
    path: str


def _auth(keys: KeyPair) -> Service:
    settings = AuthSettings(database_url="sqlite://", signing_key_file=keys.key)
    return Service(efishery_auth.create_app(settings), _read(efishery_auth.app.OPENAPI_DOCUMENT), "/auth/swagdocs")


def _fetch(keys: KeyPair) -> Service:
    values = {"list_url": "http://127.0.0.1:1/", "redis_url": "redis://127.0.0.1:1"}
    settings = FetchSettings.model_validate(values | {"verification_keys_dir": keys.certificate.parent})
    return Service(efishery_fetch.create_app(settings), _read(efishery_fetch.app.OPENAPI_DOCUMENT), "/fetch/swagdocs")


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


@pytest.fixture(params=[_auth, _fetch], ids=["auth", "fetch"])
def service(request: pytest.FixtureRequest, key_pair: KeyPair) -> Service:
    make: Callable[[KeyPair], Service] = request.param
    return make(key_pair)


def test_the_document_is_valid_openapi_3(service: Service) -> None:
    validate(service.document)
    assert service.document["openapi"].startswith("3.0.")


def test_what_is_served_is_what_is_checked_in(service: Service) -> None:
    served = service.app.test_client().get(service.path)
    assert served.status_code == 200
    assert served.get_json() == service.document


def test_paths_and_routes_are_the_same(service: Service) -> None:
    routes = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in service.app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    documented = {(method, path) for path, item in service.document["paths"].items() for method in item}
    assert routes == documented


def test_every_operation_is_explained(service: Service) -> None:
    for path, item in service.document["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], f"{method} {path}"
            assert operation["operationId"], f"{method} {path}"


def test_what_needs_a_token_says_so(service: Service) -> None:
    client = service.app.test_client()
    for path, item in service.document["paths"].items():
        for method, operation in item.items():
            needed = operation.get("security", service.document.get("security")) == [{"bearerAuth": []}]
            refused = client.open(path, method=method.upper()).status_code == 401
            assert refused == needed, f"{method} {path}"
