"""Frankfurter: daily reference rates of central banks, free and without a key (https://frankfurter.dev)."""

from dataclasses import dataclass

from efishery_rate_cron.providers.base import Quote, date_or_time, get_json, inverse, member, positive_number
from servicekit.http import HTTPClient


@dataclass(frozen=True)
class Frankfurter:
    """Reads `{"base": "USD", "date": "2026-01-30", "rates": {"IDR": 16350.5}}`."""

    url: str
    name: str = "frankfurter"

    def quote(self, client: HTTPClient) -> Quote:
        """Request the rate; raises ProviderError."""
        answer = get_json(client, self.url)
        rate = inverse(positive_number(member(answer, "rates", "IDR"), "rates.IDR"))
        return Quote(rate, as_of=date_or_time(member(answer, "date"), "date"))
