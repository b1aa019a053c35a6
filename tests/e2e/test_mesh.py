"""Who may call whom inside the cluster: what the mesh lets through and what it refuses."""

import json
from collections.abc import Iterator

import pytest
from tests.e2e.cluster import NAMESPACE, Cluster

# Prints, as one JSON object, what each URL answered: an HTTP status, or the name of the error.
CALLS = """
import json, urllib.error, urllib.request
def call(url):
    try:
        return urllib.request.urlopen(url, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return type(getattr(error, "reason", error)).__name__
print(json.dumps({url: call(url) for url in %r}))
"""
# Prints what the server says first on a TCP port, as MySQL does, or the name of the error.
FIRST_WORDS = """
import socket
try:
    connection = socket.create_connection((%r, %d), timeout=10)
    connection.sendall(%r)
    print(connection.recv(64))
except OSError as error:
    print(type(error).__name__)
"""


def url(service: str, path: str, port: int = 80) -> str:
    return f"http://{service}.{NAMESPACE}.svc.cluster.local:{port}{path}"


@pytest.fixture(scope="module")
def outside(cluster: Cluster) -> Iterator[str]:
    """A namespace outside the mesh."""
    with cluster.temporary_namespace() as name:
        yield name


def test_plain_http_from_outside_the_mesh_is_refused(cluster: Cluster, outside: str) -> None:
    urls = [url("auth", "/ping"), url("fetch", "/ping"), url("docs", "/docs/"), url("sample", "/rate")]
    answers = json.loads(cluster.run_python(outside, CALLS % urls))
    assert answers == dict.fromkeys(urls, "ConnectionResetError")


def test_the_key_set_alone_is_open_to_istiod(cluster: Cluster, outside: str) -> None:
    urls = [url("auth", path, port=8081) for path in ("/auth/.well-known/jwks.json", "/auth/claims")]
    answers = json.loads(cluster.run_python(outside, CALLS % urls))
    assert list(answers.values()) == [200, 403]


@pytest.mark.parametrize(("service", "port", "words"), [("redis", 6379, b"PING\r\n"), ("mysql-primary", 3306, b"\n")])
def test_the_databases_answer_nobody_outside_the_mesh(
    cluster: Cluster, outside: str, service: str, port: int, words: bytes
) -> None:
    script = FIRST_WORDS % (f"{service}.{NAMESPACE}.svc.cluster.local", port, words)
    assert cluster.run_python(outside, script).strip() in ("ConnectionResetError", "b''")


def test_a_pod_of_the_mesh_without_a_permission_is_refused(cluster: Cluster) -> None:
    # Its identity is the namespace's default account, which no policy names.
    urls = [url("auth", "/ping"), url("fetch", "/fetch/swagdocs"), url("docs", "/docs/"), url("sample", "/rate")]
    answers = json.loads(cluster.run_python(NAMESPACE, CALLS % urls))
    assert answers == dict.fromkeys(urls, 403)


def test_fetch_may_not_call_auth(cluster: Cluster) -> None:
    answers = json.loads(cluster.run_python(NAMESPACE, CALLS % [url("auth", "/ping")], account="fetch"))
    assert list(answers.values()) == [403]


@pytest.mark.parametrize(("service", "port", "words"), [("redis", 6379, b"PING\r\n"), ("mysql-primary", 3306, b"\n")])
def test_docs_may_not_talk_to_the_databases(cluster: Cluster, service: str, port: int, words: bytes) -> None:
    script = FIRST_WORDS % (f"{service}.{NAMESPACE}.svc.cluster.local", port, words)
    assert cluster.run_python(NAMESPACE, script, account="docs").strip() in ("ConnectionResetError", "b''")
