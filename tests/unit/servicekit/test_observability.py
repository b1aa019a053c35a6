import json
import re
import sys
from contextlib import redirect_stdout
from io import FileIO, StringIO, TextIOWrapper
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from servicekit import logging
from servicekit.app import build_app
from servicekit.observability import headers_of_request, log_request, request_id_from
from servicekit.settings import ServiceSettings

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@pytest.fixture
def client() -> FlaskClient:
    return build_app(__name__, ServiceSettings()).test_client()


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return event


def test_a_request_is_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    headers = {"X-Request-ID": "abc-1", "traceparent": TRACEPARENT}
    build_app(__name__, ServiceSettings()).test_client().get("/ping?secret=1", headers=headers)
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    event = json.loads(output)
    expected = {"event": "request", "method": "GET", "route": "/ping", "status": 200, "level": "info"}
    assert {**expected, "request_id": "abc-1", "trace_id": TRACE_ID}.items() <= event.items()
    assert "secret" not in output


def test_the_line_is_the_one_that_structlog_writes(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure()
    log_request("GET", "/ping", 200, 0.0123, "abc-1", TRACE_ID)
    ours = last_line(capsys)
    fields = {"method": "GET", "route": "/ping", "status": 200, "ms": 12.3, "request_id": "abc-1", "trace_id": TRACE_ID}
    structlog.get_logger("servicekit.observability").info("request", **fields)
    theirs = last_line(capsys)
    form = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")
    assert form.fullmatch(ours.pop("timestamp"))
    assert form.fullmatch(theirs.pop("timestamp"))
    assert ours == theirs


def test_the_console_shows_the_same_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure(log_format="console")
    log_request("GET", "/ping", 200, 0.0123, "abc-1")
    output = capsys.readouterr().out
    assert all(text in output for text in ("request", "method=GET", "route=/ping", "status=200", "request_id=abc-1"))
    assert "{" not in output


def test_a_higher_level_has_no_line_for_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("warning")
    log_request("GET", "/ping", 200, 0.0123, "abc-1")
    assert capsys.readouterr().out == ""


def test_a_stdout_that_takes_text_only_gets_the_line() -> None:
    with redirect_stdout(StringIO()) as output:
        logging.configure()
        log_request("GET", "/ping", 200, 0.0123, "abc-1")
    assert json.loads(output.getvalue())["request_id"] == "abc-1"


def test_a_full_disk_fails_no_request(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with FileIO("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", TextIOWrapper(full, write_through=True))  # as with PYTHONUNBUFFERED
        logging.configure()
        assert client.get("/ping").status_code == 200


def test_a_made_up_method_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure()
    log_request("BREW" * 2000, "", 405, 0.0123, "abc-1")
    assert last_line(capsys)["method"] == "_OTHER"


def test_a_safe_id_is_kept_and_answered(client: FlaskClient) -> None:
    assert client.get("/ping", headers={"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"


@pytest.mark.parametrize("forged", ["x y", "a" * 65, '{"event":1}', "", "abc-1\n", "\u0661"])
def test_a_forged_id_is_replaced(forged: str) -> None:
    made = request_id_from(forged)
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert request_id_from(made) == made


def test_new_ids_differ(client: FlaskClient) -> None:
    ids = {request_id_from(None) for _ in range(1000)} | {client.get("/ping").headers["X-Request-ID"]}
    assert len(ids) == 1001


def test_what_is_passed_on_is_that_of_the_request(client: FlaskClient) -> None:
    client.application.add_url_rule("/passed-on", view_func=lambda: headers_of_request())
    state = "congo=t61rcWkgMzE"
    sent = {"X-Request-ID": "abc-1", "traceparent": TRACEPARENT, "tracestate": state}
    assert client.get("/passed-on", headers=sent).get_json() == sent
    assert client.get("/passed-on", headers={"X-Request-ID": "abc-2"}).get_json() == {"X-Request-ID": "abc-2"}
    assert headers_of_request() == {}


def requests_counted(**labels: str) -> float:
    return REGISTRY.get_sample_value("http_server_request_duration_seconds_count", labels) or 0


def test_unknown_paths_and_methods_share_one_series(client: FlaskClient) -> None:
    labels = {"http_request_method": "_OTHER", "http_route": "", "http_response_status_code": "404"}
    before = requests_counted(**labels)
    client.open("/some/path", method="BREW")
    client.open("/another/path", method="PROPFIND")
    assert requests_counted(**labels) - before == 2


def test_the_duration_is_in_the_buckets_of_the_convention(client: FlaskClient) -> None:
    client.get("/ping")
    labels = {"http_request_method": "GET", "http_route": "/ping", "http_response_status_code": "200"}
    buckets = [
        sample.labels["le"]
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "http_server_request_duration_seconds_bucket" and labels.items() <= sample.labels.items()
    ]
    advised = ["0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5", "5.0", "7.5"]
    assert buckets == [*advised, "10.0", "+Inf"]
