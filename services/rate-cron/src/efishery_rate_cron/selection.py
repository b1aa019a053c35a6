"""Selects the rate: that of the first provider, in order, whose answer is valid."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import structlog

from efishery_rate_cron.providers.base import Provider, ProviderError, Quote
from servicekit.http import HTTPClient

log = structlog.get_logger(__name__)


class NoValidRateError(Exception):
    """No provider gave a valid rate; the log has each one's reason."""


@dataclass(frozen=True)
class Bounds:
    """The range of rates to accept, both ends included, in US dollars for one rupiah."""

    minimum: Decimal
    maximum: Decimal

    def check(self, rate: Decimal) -> None:
        """Raise ProviderError for a rate outside the range."""
        if not self.minimum <= rate <= self.maximum:
            raise ProviderError(f"answered {rate}, outside {self.minimum} to {self.maximum}")


def first_valid(providers: Sequence[Provider], client: HTTPClient, bounds: Bounds) -> tuple[Provider, Quote]:
    """Ask the providers in order and return the first valid answer; raises NoValidRateError."""
    for provider in providers:
        try:
            quote = provider.quote(client)
            bounds.check(quote.rate)
        except ProviderError as error:
            log.warning("provider_failed", provider=provider.name, reason=str(error))
        else:
            return provider, quote
    raise NoValidRateError(f"no valid rate from {', '.join(provider.name for provider in providers)}")
