"""Chooses the rate: the first provider, in order, whose answer is within the bounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import requests
import structlog

from efishery_rate_cron.providers.base import Provider, ProviderError, Quote

log = structlog.get_logger(__name__)


class NoSaneRateError(Exception):
    """No provider gave a rate that can be believed; each one's reason is in the log."""


@dataclass(frozen=True)
class Bounds:
    """The rates that can be believed, both ends included, in US dollars for one rupiah."""

    low: Decimal
    high: Decimal

    def check(self, rate: Decimal) -> None:
        """Raise ProviderError for a rate outside."""
        if not self.low <= rate <= self.high:
            raise ProviderError(f"answered {rate}, outside {self.low} to {self.high}")


def first_sane(providers: Sequence[Provider], session: requests.Session, bounds: Bounds) -> tuple[Provider, Quote]:
    """Ask one provider after the other until one answers sanely; raises NoSaneRateError."""
    for provider in providers:
        try:
            quote = provider.quote(session)
            bounds.check(quote.rate)
        except ProviderError as error:
            log.warning("provider_failed", provider=provider.name, reason=str(error))
        else:
            return provider, quote
    raise NoSaneRateError(f"none of {', '.join(provider.name for provider in providers)} answered sanely")
