"""Asks the upstream for its list."""

import json
from decimal import Decimal, InvalidOperation

import structlog
from requests import RequestException

from efishery_fetch.metrics import UPSTREAM_ANSWERS
from servicekit.errors import BadGateway, ServiceError, Unavailable
from servicekit.http import Session

RETRY_AFTER_SECONDS = 10
LONGEST_INTEGER = 30  # digits; Python refuses to convert thousands of them, and one bad row must not spoil a list

log = structlog.get_logger(__name__)


def fetch_items(session: Session, url: str) -> list[object]:
    """Return the items of the JSON array at `url`; numbers with a fraction are Decimal.

    Raises:
        Unavailable: it cannot be reached in time.
        BadGateway: it answers with another status than 200, or with no JSON array.
    """
    try:
        response = session.get(url)
    except RequestException as error:
        raise _failed("unreachable", "cannot be reached", type(error).__name__) from error
    if response.status_code != 200:
        raise _failed("bad_status", f"answered with status {response.status_code}")
    items = _read(response.content)
    if not isinstance(items, list):
        raise _failed("bad_body", f"answered with a JSON {type(items).__name__}, wanted an array")
    UPSTREAM_ANSWERS.labels("ok").inc()
    return items


def _read(body: bytes) -> object:
    """Parse JSON so that no number in it can fail."""
    try:
        return json.loads(body, parse_float=_decimal, parse_int=_integer, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise _failed("bad_body", "answered with something that is not JSON", type(error).__name__) from error


def _failed(outcome: str, what: str, cause: str | None = None) -> ServiceError:
    # The URL stays out of log and answer: it may carry a key.
    UPSTREAM_ANSWERS.labels(outcome).inc()
    log.warning("upstream_failed", outcome=outcome, what=what, cause=cause)
    msg = f"the commodity list's upstream {what}"
    if outcome == "unreachable":
        return Unavailable(msg, retry_after=RETRY_AFTER_SECONDS)
    return BadGateway(msg, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= LONGEST_INTEGER else text


def _decimal(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal can hold
        return text
