"""Frankfurter: daily reference rates of central banks, free and without a key (https://frankfurter.dev)."""

from dataclasses import dataclass

import requests

from efishery_rate_cron.providers.base import Quote, get_json, inverse, member, moment, positive


@dataclass(frozen=True)
class Frankfurter:
    """Reads `{"base": "USD", "date": "2026-01-30", "rates": {"IDR": 16350.5}}`."""

    url: str
    name: str = "frankfurter"

    def quote(self, session: requests.Session) -> Quote:
        """Ask for the rate; raises ProviderError."""
        answer = get_json(session, self.url)
        rate = inverse(positive(member(answer, "rates", "IDR"), "rates.IDR"))
        return Quote(rate, as_of=moment(member(answer, "date"), "date"))
