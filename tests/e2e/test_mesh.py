"""Calls inside the cluster that the mesh allows or refuses."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import NAMESPACE, Cluster

# Prints, as one JSON object, the answer of each URL: an HTTP status, or the name of the error.
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
# Prints the answer of a TCP server to 64 bytes, or the name of the error; b'' is a closed connection. A server such as
# MySQL sends a greeting first: Envoy checks its policies at the client's first byte, so a caller without permission
# gets the greeting and nothing else.
TALK = """
import socket
connection = socket.create_connection((%r, %d), timeout=10)
try:
    connection.settimeout(2)
    connection.recv(256)
except TimeoutError:
    pass
except OSError as error:
    print(type(error).__name__)
    raise SystemExit
try:
    connection.settimeout(20)
    connection.sendall(b"PING" * 15 + b"\\r\\n\\r\\n")
    print(connection.recv(256))
except OSError as error:
    print(type(error).__name__)
"""
# Prints the answer to a login whose body does not end.
SLOW_BODY = """
import socket
connection = socket.create_connection((%r, 80), timeout=30)
connection.sendall(b"POST /auth/login HTTP/1.1\\r\\nHost: auth\\r\\nContent-Length: 100\\r\\n\\r\\n{")
print(connection.recv(1024).decode())
"""
REFUSED = ("ConnectionResetError", "BrokenPipeError", "b''")
DATABASES = [("redis", 6379), ("mysql-primary", 3306)]


def url(service: str, path: str, port: int = 80) -> str:
    return f"http://{service}.{NAMESPACE}.svc.cluster.local:{port}{path}"


def talk(cluster: Cluster, namespace: str, account: str, service: str, port: int) -> str:
    host = f"{service}.{NAMESPACE}.svc.cluster.local"
    return cluster.run_python(namespace, TALK % (host, port), account=account).strip()


@pytest.fixture(scope="module")
def outside(cluster: Cluster) -> Iterator[str]:
    """A namespace outside the mesh."""
    with cluster.temporary_namespace() as name:
        yield name


def test_plain_http_from_outside_the_mesh_is_refused(cluster: Cluster, outside: str) -> None:
    urls = [url("auth", "/ping"), url("fetch", "/ping"), url("docs", "/docs/"), url("sample", "/rate")]
    answers = json.loads(cluster.run_python(outside, CALLS % urls))
    assert answers == dict.fromkeys(urls, "ConnectionResetError")


def test_no_port_of_auth_is_open_without_mutual_tls(cluster: Cluster, outside: str) -> None:
    ports = [port.port for port in cluster.core.read_namespaced_service("auth", NAMESPACE).spec.ports]
    urls = [url("auth", "/auth/.well-known/jwks.json", port) for port in ports]
    answers = json.loads(cluster.run_python(outside, CALLS % urls))
    assert answers == dict.fromkeys(urls, "ConnectionResetError")


@pytest.mark.parametrize(("service", "port"), DATABASES)
def test_the_databases_refuse_callers_outside_the_mesh(cluster: Cluster, outside: str, service: str, port: int) -> None:
    assert talk(cluster, outside, "default", service, port) in REFUSED


def test_a_pod_of_the_mesh_without_a_permission_is_refused(cluster: Cluster) -> None:
    # It runs as the namespace's default ServiceAccount, which no policy allows.
    urls = [url("auth", "/ping"), url("fetch", "/fetch/swagdocs"), url("docs", "/docs/"), url("sample", "/rate")]
    urls.append(url("auth", "/auth/.well-known/jwks.json"))
    answers = json.loads(cluster.run_python(NAMESPACE, CALLS % urls))
    assert answers == dict.fromkeys(urls, 403)


def test_a_slow_body_is_refused_inside_the_mesh_too(cluster: Cluster) -> None:
    answer = cluster.run_python(NAMESPACE, SLOW_BODY % f"auth.{NAMESPACE}.svc.cluster.local")
    assert answer.startswith("HTTP/1.1 408 "), answer
    assert json.loads(answer[answer.index("{") :])["status"] == 408


def test_fetch_may_read_the_public_keys_of_auth_and_no_more(cluster: Cluster) -> None:
    urls = [url("auth", path) for path in ("/auth/.well-known/jwks.json", "/ping", "/auth/swagdocs")]
    answers = json.loads(cluster.run_python(NAMESPACE, CALLS % urls, account="fetch"))
    assert list(answers.values()) == [200, 403, 403]


@pytest.mark.parametrize(("service", "port"), DATABASES)
def test_docs_may_not_talk_to_the_databases(cluster: Cluster, service: str, port: int) -> None:
    assert talk(cluster, NAMESPACE, "docs", service, port) in REFUSED


def test_the_check_of_the_databases_can_fail(cluster: Cluster) -> None:
    # rate-cron may call Redis, which answers that it does not know the command.
    assert "ERR unknown command" in talk(cluster, NAMESPACE, "rate-cron", "redis", 6379)
