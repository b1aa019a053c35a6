"""Each provider with answers in the form that it documents (`answers/`)."""

from decimal import Decimal
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from efishery_rate_cron.providers.base import Provider, ProviderError, Quote
from efishery_rate_cron.providers.custom import Custom
from efishery_rate_cron.providers.frankfurter import Frankfurter
from efishery_rate_cron.providers.open_er_api import OpenERAPI
from servicekit.http import HTTPClient

ANSWERS = Path(__file__).parent / "answers"
INVERSE = Decimal("0.0000611602091679")  # of 16350.5, with twelve digits
CUSTOM = Decimal("0.0000612345678901")


def provider(name: str, url: str) -> Provider:
    made: dict[str, Provider] = {
        "frankfurter": Frankfurter(url),
        "open-er-api": OpenERAPI(url),
        "custom": Custom(url, "$.data[*].usd", "$.data[*].at"),
    }
    return made[name]


def ask(server: HTTPServer, client: HTTPClient, answer: str, status: int = 200) -> Quote:
    server.expect_request("/rate").respond_with_data((ANSWERS / answer).read_bytes(), status)
    return provider(answer.partition("/")[0], server.url_for("/rate")).quote(client)


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("frankfurter/success.json", Quote(INVERSE, "2026-11-20")),
        ("frankfurter/success-whole-number.json", Quote(Decimal("0.0000611620795107"), "2026-11-20")),
        ("open-er-api/success.json", Quote(INVERSE, "2026-09-05T00:02:32Z")),
        ("custom/success.json", Quote(CUSTOM, "2026-11-20T09:30:00Z")),
        ("custom/success-text.json", Quote(CUSTOM, "2026-11-20T00:00:01Z")),
    ],
)
def test_a_success_is_read_with_twelve_digits(
    httpserver: HTTPServer, client: HTTPClient, answer: str, quote: Quote
) -> None:
    assert ask(httpserver, client, answer) == quote


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        ("frankfurter/not-found.json", 404, "answered with status 404"),
        ("frankfurter/without-currency.json", 200, "answered without rates.IDR"),
        ("frankfurter/without-date.json", 200, "answered without date"),
        ("frankfurter/rows-of-v2.json", 200, "answered without rates.IDR"),
        ("frankfurter/rates-is-a-list.json", 200, "answered without rates.IDR"),
        ("frankfurter/rate-is-null.json", 200, "answered no positive number at rates.IDR"),
        ("frankfurter/rate-is-an-object.json", 200, "answered no positive number at rates.IDR"),
        ("frankfurter/date-is-a-list.json", 200, "answered no date or time at date"),
        ("frankfurter/date-is-a-word.json", 200, "answered no date or time at date"),
        # With status 200: the provider reports this error in the body alone.
        ("open-er-api/unsupported-code.json", 200, "answered that it failed"),
        ("open-er-api/too-many-requests.html", 429, "answered with status 429"),
        ("open-er-api/too-many-requests.html", 200, "did not answer in JSON"),
        ("open-er-api/without-result.json", 200, "answered without result"),
        ("open-er-api/without-currency.json", 200, "answered without rates.IDR"),
        ("open-er-api/without-time.json", 200, "answered without time_last_update_unix"),
        ("open-er-api/rate-is-true.json", 200, "answered no positive number at rates.IDR"),
        ("open-er-api/rates-is-null.json", 200, "answered without rates.IDR"),
        ("open-er-api/time-is-a-word.json", 200, "answered no date or time at time_last_update_unix"),
        ("custom/invalid-key.json", 401, "answered with status 401"),
        ("custom/invalid-key.json", 200, "answered 0 values at $.data[*].usd, not one"),
        ("custom/without-rate.json", 200, "answered 0 values at $.data[*].usd, not one"),
        ("custom/two-rates.json", 200, "answered 2 values at $.data[*].usd, not one"),
        ("custom/rate-is-a-list.json", 200, "answered no positive number at $.data[*].usd"),
        ("custom/date-is-an-object.json", 200, "answered no date or time at $.data[*].at"),
    ],
)
def test_another_answer_is_refused_with_its_reason(
    httpserver: HTTPServer, client: HTTPClient, answer: str, status: int, reason: str
) -> None:
    with pytest.raises(ProviderError) as caught:
        ask(httpserver, client, answer, status)
    assert str(caught.value) == reason
