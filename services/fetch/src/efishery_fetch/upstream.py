"""Requests the commodity list from its upstream.

A slow upstream may not occupy every thread of the service: at most `max_calls` requests to it run at a time
(a bulkhead), and after failures in a row a circuit breaker refuses further ones at once.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation

import structlog

from efishery_fetch.metrics import UPSTREAM_ANSWERS
from servicekit.breaker import CircuitBreakerError, circuit_breaker
from servicekit.http import BodyTooLarge, HTTPClient, HTTPError, RedirectRefused

BREAKER_FAILURES = 3
BREAKER_RESET_SECONDS = 5.0
SLOT_WAIT_SECONDS = 1.0
MAX_INTEGER_DIGITS = 30  # int() raises ValueError above 4300 digits; one bad row must not fail the list

log = structlog.get_logger(__name__)


class UpstreamError(Exception):
    """There is no list to use. The text is for clients and never holds the URL, which may contain a key.

    `outcome` is the label of the metric.
    """

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(f"the commodity list's upstream {reason}")
        self.outcome = outcome


class UpstreamUnavailable(UpstreamError):
    """It did not answer in time, or the request was not sent because of earlier failures."""


class UpstreamInvalid(UpstreamError):
    """It answered with something other than a list."""


class Upstream:
    """The server of the commodity list."""

    def __init__(self, client: HTTPClient, url: str, max_calls: int) -> None:
        self._client = client
        self._url = url
        self._slots = threading.BoundedSemaphore(max_calls)
        self._breaker = circuit_breaker(
            "upstream",
            lambda error: not isinstance(error, UpstreamInvalid),
            failures=BREAKER_FAILURES,
            reset_seconds=BREAKER_RESET_SECONDS,
        )

    def fetch(self) -> list[object]:
        """Return the items of the JSON array; numbers with a fraction are Decimal.

        Raises:
            UpstreamUnavailable: there is no answer in time, no free slot, or the circuit is open.
            UpstreamInvalid: the answer is too large, redirects elsewhere, has another status than 200, or is
                not a JSON array.
        """
        try:
            with self._slot(), self._breaker.calling():
                items = _parse_list(self._request())
        except CircuitBreakerError as error:
            UPSTREAM_ANSWERS.labels("circuit_open").inc()
            raise UpstreamUnavailable("circuit_open", "failed repeatedly and is not called") from error
        except UpstreamError as error:
            UPSTREAM_ANSWERS.labels(error.outcome).inc()
            log.warning("upstream_failed", outcome=error.outcome, reason=str(error), cause=str(error.__cause__ or ""))
            raise
        UPSTREAM_ANSWERS.labels("ok").inc()
        return items

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=SLOT_WAIT_SECONDS):
            raise UpstreamUnavailable("busy", "is slow: all calls to it are in use")
        try:
            yield
        finally:
            self._slots.release()

    def _request(self) -> bytes:
        try:
            answer = self._client.get(self._url)
        except (BodyTooLarge, RedirectRefused) as error:
            raise UpstreamInvalid(error.outcome, f"sent an unusable answer: {error}") from error
        except HTTPError as error:
            raise UpstreamUnavailable(error.outcome, "cannot be reached in time") from error
        if answer.status != 200:
            raise UpstreamInvalid("bad_status", f"answered with status {answer.status}")
        return answer.body


def _parse_list(body: bytes) -> list[object]:
    try:
        items = json.loads(body, parse_float=_decimal, parse_int=_integer, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise UpstreamInvalid("bad_body", "answered with something that is not JSON") from error
    if not isinstance(items, list):
        raise UpstreamInvalid("bad_body", f"answered with a JSON {type(items).__name__}, not an array")
    return items


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= MAX_INTEGER_DIGITS else text


def _decimal(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal can hold
        return text
