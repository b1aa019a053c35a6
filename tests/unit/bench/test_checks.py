"""The checks before a run: each wrong answer of a target is named."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bench import checks
from bench.content import Content
from bench.scenarios import NOT_MODIFIED, PRICE_LIST, Token
from bench.targets import Target
from bench.tokens import Tokens
from efishery_run.supervisor import Process

LIST = b'{"data":[{"price":1000,"price_usd":0.06}]}'
CONTENT = Content(LIST, gzip.compress(LIST), rows=1)


def tokens() -> Tokens:
    return Tokens({Token.USER: "user", Token.ADMIN: "admin"}, "forged", "short", short_expires=time.time() - 2)


class Server(BaseHTTPRequestHandler):
    """Answers as a target must; a subclass has one fault."""

    accepted: tuple[str, ...] = ("user",)
    body = LIST
    compresses = True
    has_etag = True
    revalidates = True
    has_request_id = True

    def do_GET(self) -> None:
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in self.accepted:
            self.answer(401, b"{}", {})
            return
        packed = self.compresses and self.headers.get("Accept-Encoding") == "gzip"
        etag = f'"1-{"gzip" if packed else "identity"}"'
        headers = {"ETag": etag} if self.has_etag else {}
        if self.revalidates and self.headers.get("If-None-Match") == etag:
            self.answer(304, b"", headers)
        elif packed:
            self.answer(200, gzip.compress(self.body), {**headers, "Content-Encoding": "gzip"})
        else:
            self.answer(200, self.body, headers)

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.has_request_id:
            self.send_header("X-Request-ID", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        pass


@contextmanager
def target(**faults: Any) -> Iterator[Target]:
    """Serve with these attributes of Server changed."""
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Faulty", (Server,), faults)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Target("it", Process("it", ()), f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()


def test_a_target_that_answers_right_has_no_problem() -> None:
    with target() as it:
        assert checks.problems([it], CONTENT, tokens()) == []


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"accepted": ()}, "expected 200, got 401"),
        ({"accepted": ("user", "")}, "expected 401 for no token, got 200"),
        ({"accepted": ("user", "forged")}, "expected 401 for a forged token, got 200"),
        ({"accepted": ("user", "short")}, "expected 401 for an expired token, got 200"),
        ({"body": LIST + b" "}, "the body differs from the service's"),
        ({"compresses": False}, "Content-Encoding is None"),
        ({"has_etag": False}, "no strong ETag"),
        ({"revalidates": False}, "expected 304 without a body for its ETag, got 200"),
        ({"has_request_id": False}, "no X-Request-ID"),
    ],
)
def test_each_fault_is_named(fault: dict[str, Any], problem: str) -> None:
    with target(**fault) as it:
        assert problem in "\n".join(checks.problems([it], CONTENT, tokens()))


def test_a_target_that_makes_the_body_anew_may_write_other_bytes_for_the_same_values() -> None:
    with target(body=json.dumps(json.loads(LIST)).encode()) as it:
        assert checks.problems([replace(it, serves_cached_bytes=False)], CONTENT, tokens()) == []
        assert checks.problems([it], CONTENT, tokens()) != []


def test_a_target_without_tokens_is_asked_for_none() -> None:
    with target(accepted=("user", "", "forged", "short")) as it:
        assert checks.problems([replace(it, checks_tokens=False)], CONTENT, tokens()) == []


def test_a_scenario_must_have_its_status() -> None:
    headers = {"Authorization": "Bearer user"}
    with target() as it:
        assert checks.scenario_problem(it, PRICE_LIST, headers) is None
        problem = checks.scenario_problem(it, NOT_MODIFIED, headers)
    assert problem == "it: list, not modified (304): expected 304, got 200"
