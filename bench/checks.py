"""What every target must answer before it is measured."""

import gzip
import json
import time
from collections.abc import Iterable, Iterator

from bench import http
from bench.content import Content
from bench.scenarios import LIST, Scenario, Token
from bench.targets import Target
from bench.tokens import Tokens


def problems(targets: Iterable[Target], content: Content, tokens: Tokens) -> list[str]:
    """Ask each target for the list with and without gzip, for 304, and with tokens that it must refuse.

    Returns a sentence for each wrong answer. Waits until the short token has expired, at most 10 s.
    """
    targets = list(targets)
    found = [problem for target in targets for problem in _answers(target, content, tokens)]
    guarded = [target for target in targets if target.checks_tokens]
    for target in guarded:
        _ask(target, tokens.short)  # so that a memo of verified tokens has it
    time.sleep(max(0.0, tokens.short_expires + 1 - time.time()))
    return found + [text for target in guarded for text in _refusal(target, "an expired token", tokens.short)]


def scenario_problem(target: Target, scenario: Scenario, headers: dict[str, str]) -> str | None:
    """Send the request of `scenario` once; return a sentence if the status is not the expected one."""
    answer = http.get(target.url + scenario.path, headers)
    if answer.status == scenario.status:
        return None
    return f"{target.name}: {scenario.name}: expected {scenario.status}, got {answer.status}"


def _answers(target: Target, content: Content, tokens: Tokens) -> Iterator[str]:
    user = tokens.valid[Token.USER]
    for encoding in ("identity", "gzip"):
        answer = _ask(target, user, **{"Accept-Encoding": encoding})
        what = f"{target.name}: GET {LIST} with Accept-Encoding: {encoding}"
        if answer.status != 200:
            yield f"{what}: expected 200, got {answer.status}"
            continue
        if answer.headers.get("content-encoding", "identity") != encoding:
            yield f"{what}: Content-Encoding is {answer.headers.get('content-encoding')}"
        if not _has_list(answer, content, same_bytes=target.serves_cached_bytes):
            yield f"{what}: the body differs from the service's"
        if "x-request-id" not in answer.headers:
            yield f"{what}: no X-Request-ID"
        yield from _revalidation(target, user, encoding, answer.headers.get("etag", ""))
    if target.checks_tokens:
        yield from _refusal(target, "no token", None)
        yield from _refusal(target, "a forged token", tokens.forged)


def _has_list(answer: http.Answer, content: Content, *, same_bytes: bool) -> bool:
    try:
        body = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
        return body == content.identity or (not same_bytes and json.loads(body) == json.loads(content.identity))
    except (OSError, EOFError, ValueError):
        return False


def _revalidation(target: Target, token: str, encoding: str, etag: str) -> Iterator[str]:
    what = f"{target.name}: {encoding}"
    if not etag.startswith('"'):
        yield f"{what}: no strong ETag"
        return
    answer = _ask(target, token, **{"Accept-Encoding": encoding, "If-None-Match": etag})
    if (answer.status, answer.body) != (304, b""):
        yield f"{what}: expected 304 without a body for its ETag, got {answer.status} with {len(answer.body)} bytes"


def _refusal(target: Target, what: str, token: str | None) -> Iterator[str]:
    answer = _ask(target, token)
    if answer.status != 401:
        yield f"{target.name}: expected 401 for {what}, got {answer.status}"


def _ask(target: Target, token: str | None, **headers: str) -> http.Answer:
    return http.get(target.url + LIST, {**(http.bearer(token) if token else {}), **headers})
