"""Spans of a real gunicorn, as an OTLP receiver gets them."""

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer

from servicekit import tracing
from tests.unit.servicekit.otlp import CLIENT, ERROR, INTERNAL, OK, SERVER, ReceivedSpan, Receiver, receiving
from tests.unit.servicekit.serving import free_port, serving

APPLICATION = """
import os
from servicekit.app import build_app
from servicekit.http import HTTPClient, HTTPError
from servicekit.settings import ServiceSettings
from threading import Thread
from servicekit.tracing import span, task

def poll():
    with span("POLL", {"db.system.name": "redis"}):
        pass

def create_app():
    app = build_app("traced", ServiceSettings())
    client = HTTPClient(5, 1000, "test")

    @app.get("/calls/<name>")
    def calls(name):
        try:
            return client.get(os.environ["UPSTREAM"] + name + "?key=secret").body
        except HTTPError as error:
            return error.outcome

    @app.get("/stores")
    def store():
        with span("INSERT users", {"db.system.name": "mysql"}):
            raise LookupError("Duplicate entry '+6281100000001' for key 'phone'")

    @app.get("/tasks")
    def run_task():
        with task("refresh list"), span("SET", {"db.system.name": "redis"}):
            pass
        polling = Thread(target=poll)
        polling.start()
        polling.join()
        return "done"

    return app
"""
IMPORTS = """
import sys
import servicekit.http
from servicekit.app import build_app
from servicekit.settings import ServiceSettings

def create_app():
    app = build_app("untraced", ServiceSettings())
    app.add_url_rule("/imported", "imported", lambda: [m for m in sys.modules if m.startswith("opentelemetry")])
    return app
"""
TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01", "tracestate": "congo=t61rcWkgMzE", "X-Request-ID": "abc-1"}
UNSAMPLED = {"traceparent": f"00-{'1' * 32}-{PARENT_ID}-00"}
OFF = dict.fromkeys(tracing.ENDPOINT_VARIABLES, "")


@dataclass(frozen=True)
class Traced:
    """What is left of a gunicorn with tracing that answered some requests and was stopped."""

    received: Receiver
    passed_on: dict[str, str]  # the headers of the traced request at the upstream
    log: list[dict[str, Any]]
    exit_code: int

    def one(self, kind: int, **attributes: str | int) -> ReceivedSpan:
        """Return the span with these attributes, whose dots are written as two underscores."""
        wanted = {name.replace("__", "."): value for name, value in attributes.items()}
        (span,) = (s for s in self.received.spans if s.kind == kind and wanted.items() <= s.attributes.items())
        return span


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    folder = tmp_path_factory.mktemp("traced")
    with receiving() as receiver, HTTPServer("127.0.0.1") as upstream:
        answer_calls(upstream)
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_SERVICE_NAME": "fetch",
            "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=efishery",
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",  # milliseconds: the spans must arrive because the process ends
            "UPSTREAM": f"http://user:secret@127.0.0.1:{upstream.port}/",
        }
        with serving(folder, APPLICATION, **settings) as server:
            requests.get(f"{server.url}/calls/found?key=secret", headers=SAMPLED, timeout=10)
            requests.get(f"{server.url}/calls/found", headers=UNSAMPLED, timeout=10)
            for path in ("/calls/missing", "/calls/elsewhere", "/stores", "/tasks", f"/{'x' * 1000}"):
                requests.get(server.url + path, timeout=10)
            exit_code = server.stop()
        log = [json.loads(line) for line in server.log.read_text().splitlines()]
        passed_on = dict(upstream.log[0][0].headers)
    return Traced(receiver, passed_on, log, exit_code)


def answer_calls(upstream: HTTPServer) -> None:
    upstream.expect_request("/found").respond_with_data("found")
    upstream.expect_request("/missing").respond_with_data("missing", status=404)
    upstream.expect_request("/elsewhere").respond_with_data(status=302, headers={"Location": "http://other.example/"})


def test_a_request_is_a_span_of_the_callers_trace(traced: Traced) -> None:
    span = traced.one(SERVER, http__route="/calls/<name>", url__path="/calls/found")
    assert (span.name, span.trace_id, span.parent_id) == ("GET /calls/<name>", TRACE_ID, PARENT_ID)
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/calls/<name>",
        "http.response.status_code": 200,
        "url.path": "/calls/found",
        "url.scheme": "http",
    }
    assert span.raw.trace_state == "congo=t61rcWkgMzE"
    assert {"service.name": "fetch", "service.namespace": "efishery"}.items() <= span.resource.items()


def test_a_call_of_the_request_is_a_span_below_it_and_is_passed_on(traced: Traced) -> None:
    server = traced.one(SERVER, url__path="/calls/found")
    span = next(s for s in traced.received.spans if s.parent_id == server.span_id)
    assert (span.kind, span.trace_id, span.status) == (CLIENT, TRACE_ID, OK)
    assert {"http.request.method": "GET", "server.address": "127.0.0.1", "http.response.status_code": 200}.items() <= (
        span.attributes.items()
    )
    passed_on = {name.lower(): value for name, value in traced.passed_on.items()}
    assert passed_on["traceparent"] == f"00-{TRACE_ID}-{span.span_id}-01"
    assert passed_on["tracestate"] == "congo=t61rcWkgMzE"
    assert passed_on["x-request-id"] == "abc-1"


def test_the_log_has_the_trace(traced: Traced) -> None:
    lines = [line for line in traced.log if line["event"] == "request"]
    assert next(line for line in lines if line["request_id"] == "abc-1")["trace_id"] == TRACE_ID
    new = traced.one(SERVER, http__route="/stores")
    assert next(line for line in lines if line["route"] == "/stores")["trace_id"] == new.trace_id


def test_what_the_caller_does_not_sample_is_not_sent(traced: Traced) -> None:
    assert "1" * 32 not in {span.trace_id for span in traced.received.spans}
    assert traced.one(SERVER, url__path="/calls/found").trace_id == TRACE_ID


def test_a_failed_call_has_the_type_of_its_error(traced: Traced) -> None:
    refused, missing = traced.one(CLIENT, error__type="redirect_refused"), traced.one(CLIENT, error__type="404")
    assert "http.response.status_code" not in refused.attributes
    assert missing.attributes["http.response.status_code"] == 404
    assert refused.status == missing.status == ERROR


def test_a_server_error_is_an_error_and_a_clients_is_not(traced: Traced) -> None:
    failed = traced.one(SERVER, http__route="/stores")
    assert (failed.status, failed.attributes["error.type"]) == (ERROR, "500")
    unknown = traced.one(SERVER, http__response__status_code=404)
    assert (unknown.status, unknown.name) == (OK, "GET")
    assert len(str(unknown.attributes["url.path"])) == 256


def test_a_failed_step_is_a_span_below_the_request(traced: Traced) -> None:
    step = traced.one(CLIENT, db__system__name="mysql")
    assert step.parent_id == traced.one(SERVER, http__route="/stores").span_id
    assert (step.name, step.status, step.attributes["error.type"]) == ("INSERT users", ERROR, "LookupError")


def test_a_task_is_a_trace_of_its_own_with_its_calls_below(traced: Traced) -> None:
    task = traced.one(INTERNAL)
    assert (task.name, task.parent_id) == ("refresh list", "")
    assert task.trace_id != traced.one(SERVER, http__route="/tasks").trace_id
    call = traced.one(CLIENT, db__system__name="redis")
    assert (call.name, call.trace_id, call.parent_id) == ("SET", task.trace_id, task.span_id)


def test_a_call_outside_of_requests_and_tasks_is_not_recorded(traced: Traced) -> None:
    assert "POLL" not in {span.name for span in traced.received.spans}


def test_the_spans_hold_no_query_no_credentials_and_no_text_of_an_error(traced: Traced) -> None:
    sent = b"".join(traced.received.bodies)
    assert b"/calls/found" in sent
    assert b"secret" not in sent
    assert b"+6281100000001" not in sent
    assert not any(span.raw.events or span.raw.status.message for span in traced.received.spans)


def test_the_spans_are_sent_before_the_process_ends(traced: Traced) -> None:
    assert traced.exit_code == 0
    assert len(traced.received.bodies) == 1


def test_requests_are_answered_without_a_collector(tmp_path: Path) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    with serving(tmp_path, APPLICATION, **settings) as server:
        assert requests.get(f"{server.url}/ping", headers=SAMPLED, timeout=10).status_code == 200
        started = time.monotonic()
        assert server.stop() == 0
    assert time.monotonic() - started < 10
    assert "Traceback" not in server.log.read_text()


def test_without_an_endpoint_nothing_is_imported(tmp_path: Path) -> None:
    with serving(tmp_path, IMPORTS, **OFF) as server:
        assert requests.get(f"{server.url}/imported", headers=SAMPLED, timeout=10).json() == []


def test_an_endpoint_without_opentelemetry_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "servicekit.spans", None)
    with pytest.raises(RuntimeError, match=r"install efishery-servicekit\[otel\]"):
        tracing.start_tracing("fetch")
