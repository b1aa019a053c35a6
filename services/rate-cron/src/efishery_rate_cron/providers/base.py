"""The interface of a provider of exchange rates, and helpers that read values from its JSON."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal, DecimalException
from typing import Any, Protocol

from servicekit.http import HTTPClient, HTTPError
from servicekit.serialization import rfc3339

# Twelve significant digits are more than any provider gives, and convert a price of 100 million rupiah exactly to
# four decimals of a dollar.
_TWELVE_DIGITS = Context(prec=12)
_LAST_SECOND = 253402300799  # of the year 9999


class ProviderError(Exception):
    """A provider gave no usable rate. The text says why, without the URL, whose query may hold a key."""


@dataclass(frozen=True)
class Quote:
    """A provider's answer."""

    rate: Decimal  # US dollars for one rupiah
    as_of: str | None = None  # as `date_or_time` returns it; None where the provider does not say


class Provider(Protocol):
    """A source of the rate. A new one needs a `ProviderName`, a class like this, and a case in `providers._build`."""

    @property
    def name(self) -> str:
        """The name in RATE_CRON_PROVIDERS, and the `source` of the record."""

    def quote(self, client: HTTPClient) -> Quote:
        """Request the rate; raises ProviderError."""


def get_json(client: HTTPClient, url: str) -> Any:  # noqa: ANN401 -- any JSON
    """GET `url` and parse its body, with Decimal for every fraction; raises ProviderError."""
    try:
        answer = client.get(url)
    except HTTPError as error:
        raise ProviderError(f"gave no answer: {error}") from error
    if answer.status != 200:
        raise ProviderError(f"answered with status {answer.status}")
    try:
        return json.loads(answer.body, parse_float=Decimal)
    except (ValueError, RecursionError, DecimalException) as error:
        raise ProviderError("did not answer in JSON") from error


def member(document: Any, *names: str) -> Any:  # noqa: ANN401 -- a part of JSON
    """Return the value at `names` in nested objects; raises ProviderError where one is missing."""
    for name in names:
        if not isinstance(document, dict) or name not in document:
            raise ProviderError(f"answered without {'.'.join(names)}")
        document = document[name]
    return document


def positive_number(value: Any, where: str) -> Decimal:  # noqa: ANN401 -- a leaf of JSON
    """Parse a number or numeric text, rounded to twelve significant digits; raises ProviderError."""
    try:
        number = _TWELVE_DIGITS.create_decimal(value) if isinstance(value, int | str | Decimal) else Decimal(0)
    except DecimalException:
        number = Decimal(0)
    if isinstance(value, bool) or not number.is_finite() or number <= 0:
        raise ProviderError(f"answered no positive number at {where}")
    return number


def date_or_time(value: Any, where: str) -> str:  # noqa: ANN401 -- a leaf of JSON
    """Return a date as YYYY-MM-DD, a time or seconds since 1970 as RFC 3339 in UTC; raises ProviderError.

    The text is formatted anew: `fromisoformat` takes any character, a lone surrogate too, between date and time.
    """
    try:
        return _date_or_time(value) if isinstance(value, str) else _unix_time(value)
    except (ValueError, OverflowError) as error:
        raise ProviderError(f"answered no date or time at {where}") from error


def _date_or_time(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        moment = datetime.fromisoformat(text)
    return rfc3339(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _unix_time(value: Any) -> str:  # noqa: ANN401 -- a leaf of JSON
    # Compared before the conversion: int(Decimal("1e999999999")) would compute a billion digits.
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= _LAST_SECOND:
        raise ValueError("not seconds since 1970")
    return rfc3339(datetime.fromtimestamp(int(value), UTC))


def inverse(rupiah_per_dollar: Decimal) -> Decimal:
    """Convert rupiah for one dollar into dollars for one rupiah; raises ProviderError.

    Providers round IDR to USD to six decimals, which leaves two digits of a rate like 0.000061. USD to IDR has more.
    """
    try:
        return _TWELVE_DIGITS.divide(Decimal(1), rupiah_per_dollar)
    except DecimalException as error:
        raise ProviderError("answered a number that cannot be inverted") from error
