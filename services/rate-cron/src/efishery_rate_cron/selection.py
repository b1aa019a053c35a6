"""Selects the rate: that of the first provider, in order, whose answer is valid and near the previous rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from efishery_rate_cron.providers.base import Provider, ProviderError, Quote
from efishery_rate_cron.rate_record import HISTORY_DAYS, instant, latest_day
from servicekit.http import HTTPClient

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Answer:
    """A provider's name and its valid quote."""

    provider: str
    quote: Quote


class NoValidRateError(Exception):
    """No provider gave a valid rate; the text has each one's reason."""


class ChangeRefusedError(Exception):
    """A valid answer is too far from the previous rate."""

    def __init__(self, answer: Answer, reason: str) -> None:
        super().__init__(reason)
        self.answer = answer


@dataclass(frozen=True)
class Bounds:
    """The range of rates to accept, both ends included, in US dollars for one rupiah."""

    minimum: Decimal
    maximum: Decimal

    def contains(self, rate: Decimal) -> bool:
        """Return whether `rate` is in the range."""
        return self.minimum <= rate <= self.maximum

    def check(self, quote: Quote, now: datetime) -> None:
        """Raise ProviderError for a rate outside the range, or of a day to come or over `HISTORY_DAYS` ago."""
        if not self.contains(quote.rate):
            raise ProviderError(f"answered {quote.rate}, outside {self.minimum:f} to {self.maximum:f}")
        day = instant(quote.as_of).date() if quote.as_of else now.date()
        if not now.date() - timedelta(days=HISTORY_DAYS) <= day <= latest_day(now):
            raise ProviderError(f"answered a rate of {day}, which is to come or over {HISTORY_DAYS} days old")


@dataclass(frozen=True)
class ChangeLimit:
    """The largest change from the previous rate, in percent of it."""

    previous: Decimal
    percent: Decimal

    def check(self, answer: Answer) -> None:
        """Raise ChangeRefusedError for a rate that is further away."""
        change = change_percent(answer.quote.rate, self.previous)
        if abs(change) > self.percent:
            raise ChangeRefusedError(
                answer,
                f"{answer.provider} answered {answer.quote.rate:f}, {change:+.2f} % from {self.previous:f}, "
                f"over the limit of {self.percent:f} %; if the rate is right, accept it with --accept-change",
            )


def change_percent(rate: Decimal, previous: Decimal) -> Decimal:
    """Return the change from `previous` to `rate` in percent of `previous`."""
    return (rate - previous) / previous * 100


def select(
    providers: Sequence[Provider], client: HTTPClient, bounds: Bounds, change: ChangeLimit | None, now: datetime
) -> Answer:
    """Ask the providers in order and return the first answer that is within `bounds` and `change` (None: any change).

    Raises:
        NoValidRateError: no answer is within the bounds.
        ChangeRefusedError: those within the bounds are all too far from the previous rate; the first of them.
    """
    refused: list[ChangeRefusedError] = []
    failures: list[str] = []
    for provider in providers:
        try:
            answer = Answer(provider.name, _valid_quote(provider, client, bounds, now))
            if change:
                change.check(answer)
        except ProviderError as error:
            log.warning("provider_failed", provider=provider.name, reason=str(error))
            failures.append(f"{provider.name} {error}")
        except ChangeRefusedError as error:
            log.warning("change_refused", provider=provider.name, reason=str(error))
            refused.append(error)
        else:
            return answer
    if refused:
        raise refused[0]
    raise NoValidRateError("; ".join(failures))


def _valid_quote(provider: Provider, client: HTTPClient, bounds: Bounds, now: datetime) -> Quote:
    quote = provider.quote(client)
    bounds.check(quote, now)
    return quote
