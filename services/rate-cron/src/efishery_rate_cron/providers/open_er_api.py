"""open.er-api.com: daily rates of ExchangeRate-API, free and without a key (https://www.exchangerate-api.com/docs/free)."""

from dataclasses import dataclass

from efishery_rate_cron.providers.base import (
    ProviderError,
    Quote,
    date_or_time,
    get_json,
    inverse,
    member,
    positive_number,
)
from servicekit.http import HTTPClient


@dataclass(frozen=True)
class OpenERAPI:
    """Reads `{"result": "success", "time_last_update_unix": 1769817751, "rates": {"IDR": 16350.5}}`."""

    url: str
    name: str = "open-er-api"

    def quote(self, client: HTTPClient) -> Quote:
        """Request the rate; raises ProviderError."""
        answer = get_json(client, self.url)
        # Failures come with status 200 too, and then say result: error.
        if member(answer, "result") != "success":
            raise ProviderError("answered that it failed")
        rate = inverse(positive_number(member(answer, "rates", "IDR"), "rates.IDR"))
        return Quote(rate, as_of=date_or_time(member(answer, "time_last_update_unix"), "time_last_update_unix"))
