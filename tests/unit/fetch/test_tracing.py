"""fetch in a real gunicorn, with tracing."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from fakeredis import TcpFakeServer
from pytest_httpserver import HTTPServer

from tests.e2e.cluster import wait_for
from tests.keys import KeyPair
from tests.unit.fetch.support import upstream_row
from tests.unit.servicekit.otlp import CLIENT, INTERNAL, receiving
from tests.unit.servicekit.serving import serving


@pytest.fixture
def redis_port() -> Iterator[int]:
    """A Redis in this process."""
    server = TcpFakeServer(("127.0.0.1", 0))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_refresh_of_the_list_is_a_trace_with_upstream_and_redis(
    tmp_path: Path, key_pair: KeyPair, httpserver: HTTPServer, redis_port: int
) -> None:
    httpserver.expect_request("/list").respond_with_data(json.dumps([upstream_row()]))
    with receiving() as receiver:
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "FETCH_LIST_URL": httpserver.url_for("/list?key=secret"),
            "FETCH_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "FETCH_VERIFICATION_KEYS_DIR": str(key_pair.certificate.parent),
        }
        with serving(tmp_path, "from efishery_fetch import create_app", **settings) as server:
            wait_for("the spans", lambda: any(span.kind == INTERNAL for span in receiver.spans), 30)
            server.stop()
    (refresh,) = [span for span in receiver.spans if span.kind == INTERNAL]
    calls = {span.name: span for span in receiver.spans if span.parent_id == refresh.span_id}
    assert (refresh.name, set(calls)) == ("refresh list", {"GET", "SET"})
    assert {span.kind for span in calls.values()} == {CLIENT}
    assert calls["SET"].attributes == {
        "db.system.name": "redis",
        "db.operation.name": "SET",
        "server.address": "127.0.0.1",
        "server.port": redis_port,
    }
    of_calls = {span.trace_id for span in receiver.spans if span.kind == CLIENT}
    assert of_calls == {refresh.trace_id}, "polls are no traces"
    assert b"secret" not in b"".join(receiver.bodies)
