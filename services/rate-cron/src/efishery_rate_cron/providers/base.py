"""What a provider of exchange rates is, and how providers read numbers out of JSON."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal, DecimalException
from typing import Any, Protocol

import requests

from servicekit.serialization import rfc3339

# A rate near 0.00006 has four zeros ahead of its digits: twelve significant ones are far more than any
# provider knows, and a price in the hundred millions still converts to the cent.
_TWELVE_DIGITS = Context(prec=12)


class ProviderError(Exception):
    """A provider cannot be used now. The text says why, without the URL, whose query may hold a key."""


@dataclass(frozen=True)
class Quote:
    """A provider's answer."""

    rate: Decimal  # US dollars for one rupiah
    as_of: str | None = None  # YYYY-MM-DD or RFC 3339; None where the provider does not say


class Provider(Protocol):
    """A source of the rate; a new one is a class with these two, and a line in `providers.build`."""

    @property
    def name(self) -> str:
        """The name in RATE_CRON_PROVIDERS, and the `source` of the record."""

    def quote(self, session: requests.Session) -> Quote:
        """Ask for the rate; raises ProviderError."""


def get_json(session: requests.Session, url: str) -> Any:  # noqa: ANN401 -- whatever JSON the provider sends
    """GET `url` and parse its body, with Decimal for every fraction; raises ProviderError."""
    try:
        response = session.get(url, headers={"Accept": "application/json"})
        response.raise_for_status()
    except requests.HTTPError as error:
        raise ProviderError(f"answered {error.response.status_code}") from error
    except requests.RequestException as error:
        # The text of these errors quotes the whole URL, so only their kind is told.
        raise ProviderError(f"did not answer: {type(error).__name__}") from error
    try:
        return json.loads(response.content, parse_float=Decimal)
    except (ValueError, RecursionError, DecimalException) as error:
        raise ProviderError("did not answer in JSON") from error


def member(document: Any, *names: str) -> Any:  # noqa: ANN401 -- a walk through JSON
    """Follow `names` through nested objects; raises ProviderError where one is missing."""
    for name in names:
        if not isinstance(document, dict) or name not in document:
            raise ProviderError(f"answered without {'.'.join(names)}")
        document = document[name]
    return document


def positive(value: Any, where: str) -> Decimal:  # noqa: ANN401 -- a leaf of JSON
    """Read a number, or text that is one, at twelve significant digits; raises ProviderError."""
    try:
        number = _TWELVE_DIGITS.create_decimal(value) if isinstance(value, int | str | Decimal) else Decimal(0)
    except DecimalException:
        number = Decimal(0)
    if isinstance(value, bool) or not number.is_finite() or number <= 0:
        raise ProviderError(f"answered no positive number at {where}")
    return number


def moment(value: Any, where: str) -> str:  # noqa: ANN401 -- a leaf of JSON
    """Read an ISO 8601 date or time, kept as it is, or seconds since 1970; raises ProviderError."""
    try:
        if isinstance(value, str):
            datetime.fromisoformat(value)
            return value
        return rfc3339(datetime.fromtimestamp(int(value), UTC))
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise ProviderError(f"answered no date or time at {where}") from error


def inverse(rupiah_per_dollar: Decimal) -> Decimal:
    """Turn rupiah for one dollar into dollars for one rupiah; raises ProviderError.

    Providers publish the inverse pair themselves with six decimals, two digits of a rate like 0.000061:
    asking for the large number and dividing keeps all that they know.
    """
    try:
        return _TWELVE_DIGITS.divide(Decimal(1), rupiah_per_dollar)
    except DecimalException as error:
        raise ProviderError("answered a number out of all proportion") from error
