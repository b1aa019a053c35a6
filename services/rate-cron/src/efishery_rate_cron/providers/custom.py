"""Any URL that answers JSON, with JSONPaths (RFC 9535) to the rate and to its date."""

from dataclasses import dataclass
from typing import Any

import jsonpath

from efishery_rate_cron.providers.base import ProviderError, Quote, date_or_time, get_json, positive_number
from servicekit.http import HTTPClient

_ENVIRONMENT = jsonpath.JSONPathEnvironment(strict=True)


@dataclass(frozen=True)
class Custom:
    """Reads US dollars for one rupiah at `rate_path`, and their date or time at `date_path` if given."""

    url: str
    rate_path: str
    date_path: str | None = None
    name: str = "custom"

    def quote(self, client: HTTPClient) -> Quote:
        """Request the rate; raises ProviderError."""
        answer = get_json(client, self.url)
        rate = positive_number(_only(answer, self.rate_path), self.rate_path)
        if self.date_path is None:
            return Quote(rate)
        return Quote(rate, as_of=date_or_time(_only(answer, self.date_path), self.date_path))


def _only(document: Any, path: str) -> Any:  # noqa: ANN401 -- a leaf of JSON
    try:
        found = _ENVIRONMENT.findall(path, document)
    except jsonpath.JSONPathError as error:
        raise ProviderError(f"cannot be read at {path}: {error}") from error
    if len(found) != 1:
        raise ProviderError(f"answered {len(found)} values at {path}, not one")
    return found[0]
