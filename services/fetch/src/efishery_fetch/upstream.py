"""Requests the price list from its upstream."""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from http import HTTPStatus

from efishery_fetch.json_items import parse_items
from servicekit.http import Answer, BodyTooLarge, HTTPClient, HTTPError, RedirectRefused

MAX_NUMBER_CHARACTERS = 100  # int() raises ValueError above 4300 digits; one bad row must not fail the list
# A parsed value takes up to 100 bytes of memory, and 16 MiB of JSON can hold millions. Commas bound their number.
MAX_VALUES = 1_000_000
NOT_A_NUMBER = Decimal("NaN")


class UpstreamError(Exception):
    """There is no list to use. The text is for clients and never holds the URL, which may contain a key.

    `outcome` is the label of the metric.
    """

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(f"the price list's upstream {reason}")
        self.outcome = outcome


class UpstreamUnavailable(UpstreamError):
    """It did not answer in time."""


class UpstreamInvalid(UpstreamError):
    """It answered with something other than a list."""


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """The items of the upstream's JSON array, and its `ETag` if it sends one.

    Numbers with a fraction are Decimal. So are NaN and Infinity, which are not JSON but which some programs write, and
    numbers too long to be one of the list: Decimal("NaN"). An item that is nested too deeply to be parsed is text.
    Their rows are then rejected or repaired as others are.
    """

    items: list[object]
    etag: str | None


class Upstream:
    """The server of the price list."""

    def __init__(self, client: HTTPClient, url: str) -> None:
        self._client = client
        self._url = url

    def fetch(self, if_none_match: str | None = None) -> ListAnswer | None:
        """Return the list; None if the one with the ETag `if_none_match` is still current.

        Raises:
            UpstreamUnavailable: there is no answer in time.
            UpstreamInvalid: the answer is too large, redirects elsewhere, has another status than 200, or is
                not a JSON array.
        """
        answer = self._request(if_none_match)
        if answer.status == HTTPStatus.NOT_MODIFIED and if_none_match is not None:
            return None
        if answer.status != HTTPStatus.OK:
            raise UpstreamInvalid("bad_status", f"answered with status {answer.status}")
        return ListAnswer(_parse_list(answer.body), answer.etag)

    def _request(self, if_none_match: str | None) -> Answer:
        try:
            return self._client.get(self._url, if_none_match=if_none_match)
        except (BodyTooLarge, RedirectRefused) as error:
            raise UpstreamInvalid(error.outcome, f"sent an unusable answer: {error}") from error
        except HTTPError as error:
            raise UpstreamUnavailable(error.outcome, "cannot be reached in time") from error


def _parse_list(body: bytes) -> list[object]:
    if body.count(b",") > MAX_VALUES:
        raise UpstreamInvalid("too_large", f"answered with more than {MAX_VALUES} values")
    try:
        items = _parse(body.decode(json.detect_encoding(body), "surrogatepass"))
    except ValueError as error:
        raise UpstreamInvalid("bad_body", "answered with something that is not JSON") from error
    if not isinstance(items, list):
        raise UpstreamInvalid("bad_body", f"answered with a JSON {type(items).__name__}, not an array")
    return items


def _parse(text: str) -> object:
    try:
        return DECODER.decode(text)
    except RecursionError:
        return list(parse_items(text, DECODER))


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= MAX_NUMBER_CHARACTERS else NOT_A_NUMBER


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text) if len(text) <= MAX_NUMBER_CHARACTERS else NOT_A_NUMBER
    except InvalidOperation:  # an exponent beyond what Decimal can hold
        return NOT_A_NUMBER


DECODER = json.JSONDecoder(parse_float=_decimal, parse_int=_integer, parse_constant=Decimal)
