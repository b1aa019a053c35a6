"""The checked-in OpenAPI documents are valid, are what is served, and name exactly the routes that exist."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

import efishery_auth
import efishery_auth.app
import efishery_fetch
import efishery_fetch.app
from efishery_auth import forms, phones
from efishery_auth.audit import Action
from efishery_auth.queries import AuditQuery, Query, UsersQuery
from efishery_auth.settings import AuthSettings
from efishery_fetch.settings import FetchSettings
from tests.keys import KeyPair
from tests.protected_paths import ADMIN_REQUESTS, PROTECTED_REQUESTS


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


def _needs_a_token(service: Service) -> set[tuple[str, str]]:
    """Return method and path of the operations that are never answered without a token, with parameters as 1."""
    default = service.document.get("security", [])
    securities = {
        (method.upper(), re.sub(r"{\w+}", "1", path)): operation.get("security", default)
        for path, item in service.document["paths"].items()
        for method, operation in item.items()
    }
    return {request for request, security in securities.items() if security and {} not in security}


def test_what_needs_a_token_is_requested_without_one_in_all_spellings(key_pair: KeyPair) -> None:
    requested = {
        (method, path) for method, path in (*PROTECTED_REQUESTS, *ADMIN_REQUESTS) if method not in ("HEAD", "OPTIONS")
    }
    assert requested == _needs_a_token(_auth(key_pair)) | _needs_a_token(_fetch(key_pair))


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


def responses(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each documented response with its method, path and status, references to components resolved."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                name = response.get("$ref", "").rpartition("/")[2]
                yield f"{method} {path} {status}", document["components"]["responses"][name] if name else response


def test_every_response_has_its_headers(service: Service) -> None:
    needed = {"401": {"WWW-Authenticate"}, "502": {"Retry-After"}, "503": {"Retry-After"}}
    for name, response in responses(service.document):
        wanted = {"X-Request-ID"} | needed.get(name.rpartition(" ")[2], set())
        assert wanted <= response["headers"].keys(), name


def test_every_example_matches_its_schema(service: Service) -> None:
    components = service.document["components"]
    for name, response in responses(service.document):
        for content in response.get("content", {}).values():  # 304 has none
            examples = [each["value"] for each in content.get("examples", {}).values()]
            validator = OAS30Validator({"allOf": [content["schema"]], "components": components})
            for value in [*examples, *([content["example"]] if "example" in content else [])]:
                assert [error.message for error in validator.iter_errors(value)] == [], name


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _read(efishery_auth.app.OPENAPI_DOCUMENT)["components"]["schemas"][name]
    return found


def is_accepted(phone: str) -> bool:
    try:
        phones.normalise(phone)
    except ValueError:
        return False
    return True


PHONE = re.compile(schema("Phone")["pattern"].removesuffix("$"))
NAME = re.compile(schema("Name")["pattern"].removesuffix("$"))
NEARLY_PHONES = st.from_regex(r"[ -]?(\+|0|00|\+62|0062|\+6|\+620)?([ \u00a0\n-]{0,2}[0-9]){4,16}[ -]?", fullmatch=True)


@given(NEARLY_PHONES | st.text("+0126789 -\u00a0", max_size=20) | st.text())
@example("0" * 31)
@example("08123456789\n")
def test_the_pattern_of_phones_accepts_what_auth_accepts(phone: str) -> None:
    assert bool(PHONE.fullmatch(phone)) == is_accepted(phone)


@given(st.from_regex(PHONE, fullmatch=True))
def test_auth_accepts_what_the_pattern_of_phones_accepts(phone: str) -> None:
    assert is_accepted(phone)


def test_the_pattern_of_names_excludes_what_auth_refuses() -> None:
    for character in map(chr, [*range(0xD800), *range(0xE000, 0x110000)]):
        allowed = not forms.INVISIBLE.search(character)
        assert bool(NAME.fullmatch(f"a{character}b")) == allowed, hex(ord(character))


@pytest.mark.parametrize("name", ["Siti", " Siti ", "\u3000Siti", " ", "", "a\nb", "\nSiti", "a\u200bb", "Siti\n"])
def test_auth_accepts_the_same_names(name: str) -> None:
    assert bool(NAME.fullmatch(name)) == _is_registration({"name": name, "phone": "08123456789"})


def _is_registration(body: dict[str, str]) -> bool:
    try:
        forms.Registration.model_validate(body)
    except ValueError:
        return False
    return True


BODIES = [
    ("Registration", forms.Registration),
    ("Login", forms.Login),
    ("Refresh", forms.Refresh),
    ("PasswordChange", forms.PasswordChange),
    ("NameChange", forms.NameChange),
    ("UserChange", forms.UserChange),
]


@pytest.mark.parametrize(("name", "form"), BODIES)
def test_bodies_have_the_documented_fields_and_lengths(name: str, form: type[forms.Form]) -> None:
    documented = schema(name)
    fields = form.model_json_schema()
    assert documented["properties"].keys() == fields["properties"].keys()
    assert documented.get("required") == fields.get("required")
    assert documented["additionalProperties"] is fields["additionalProperties"] is False
    for field, rules in documented["properties"].items():
        resolved = schema(rules["$ref"].rpartition("/")[2]) if "$ref" in rules else rules
        for limit in ("minLength", "maxLength"):
            assert resolved.get(limit) == _not_null(fields["properties"][field]).get(limit), f"{field} {limit}"


def _not_null(schema_of_field: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an optional field's values: null, its default, is not accepted."""
    first: dict[str, Any] = schema_of_field.get("anyOf", [schema_of_field])[0]
    return first


@pytest.mark.parametrize(("path", "query"), [("/auth/users", UsersQuery), ("/auth/audit", AuditQuery)])
def test_lists_have_the_documented_parameters(path: str, query: type[Query]) -> None:
    document = _read(efishery_auth.app.OPENAPI_DOCUMENT)
    shared = document["components"]["parameters"]
    listed = document["paths"][path]["get"]["parameters"]
    names = [shared[each["$ref"].rpartition("/")[2]]["name"] if "$ref" in each else each["name"] for each in listed]
    assert names == list(query.model_fields)


def test_the_documented_actions_are_those_of_the_audit_log() -> None:
    assert schema("AuditAction")["enum"] == list(Action)


@given(st.from_regex(NAME, fullmatch=True))
def test_composing_a_name_makes_nothing_invisible(name: str) -> None:
    assert not forms.INVISIBLE.search(unicodedata.normalize("NFC", name))
