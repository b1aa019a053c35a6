"""What a provider may send to do harm ends as an invalid answer: quickly, and with a short reason."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pytest_httpserver import HTTPServer

from efishery_rate_cron.providers.base import Provider
from efishery_rate_cron.providers.custom import Custom
from efishery_rate_cron.providers.frankfurter import Frankfurter
from efishery_rate_cron.providers.open_er_api import OpenERAPI
from efishery_rate_cron.selection import Bounds, NoValidRateError, select
from servicekit.http import HTTPClient

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
BOUNDS = Bounds(Decimal("0.00002"), Decimal("0.0002"))
PROVIDERS = ["frankfurter", "open-er-api", "custom"]
pytestmark = pytest.mark.usefixtures("no_garbage_collection")  # for DEEP
DEEP = "[" * 20_000 + "]" * 20_000

RATES = {
    "zero": "0",
    "negative zero": "-0.0",
    "negative": "-16350.5",
    "thousands of digits": "9" * 4_000,
    "more digits than int() takes": "9" * 20_000,
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "huge exponent": "1e999999999",
    "tiny exponent": "1e-999999999",
    "exponent beyond Decimal": "1e99999999999999999999",
    "text with a huge exponent": '"1e999999999"',
    "text NaN": '"NaN"',
    "text sNaN": '"sNaN"',
    "long text": '"' + "9" * 50_000 + '"',
    "surrogate": '"16350.5\\ud800"',
    "deep nesting": DEEP,
}
DATES = {
    "year 99999": '"99999-01-01"',
    "year 10000 in UTC": '"9999-12-31T23:59:59-23:59"',
    "before year 1 in UTC": '"0001-01-01T00:00:00+23:59"',
    "year 9999": '"9999-12-31"',
    "two days ahead": '"2026-11-24"',
    "31 days ago": '"2026-10-22"',
    "surrogate at the end": '"2026-11-20\\ud800"',
    "long text": '"' + "2026-11-20" * 5_000 + '"',
    "seconds with a huge exponent": "1e999999999",
    "seconds with a tiny exponent": "1e-999999999",
    "seconds beyond year 9999": "253402300800",
    "thousands of digits": "9" * 4_000,
    "negative seconds": "-1",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "true": "true",
    "deep nesting": DEEP,
}
GOOD = {
    "frankfurter": ("16350.5", '"2026-11-20"'),
    "open-er-api": ("16350.5", "1795132801"),
    "custom": ("0.00006", "1795132801"),
}


def body(name: str, rate: str, date: str) -> str:
    return {
        "frankfurter": f'{{"base": "USD", "date": {date}, "rates": {{"IDR": {rate}}}}}',
        "open-er-api": f'{{"result": "success", "time_last_update_unix": {date}, "rates": {{"IDR": {rate}}}}}',
        "custom": f'{{"rates": {{"USD": {rate}}}, "date": {date}}}',
    }[name]


def provider(name: str, url: str) -> Provider:
    made: dict[str, Provider] = {
        "frankfurter": Frankfurter(url),
        "open-er-api": OpenERAPI(url),
        "custom": Custom(url, "$..USD", "$.date"),
    }
    return made[name]


def refusal(server: HTTPServer, client: HTTPClient, name: str, text: str | bytes) -> str:
    """Return why the provider `name` with the answer `text` gave no valid rate."""
    server.expect_request("/rate").respond_with_data(text, content_type="application/json")
    with pytest.raises(NoValidRateError) as caught:
        select([provider(name, server.url_for("/rate"))], client, BOUNDS, None, NOW)
    return str(caught.value)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_hostile_rate(httpserver: HTTPServer, client: HTTPClient, name: str, rate: str) -> None:
    reason = refusal(httpserver, client, name, body(name, rate, GOOD[name][1]))
    assert reason.startswith(f"{name} ")
    assert len(reason) < 200
    assert reason.isascii()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("date", DATES.values(), ids=DATES)
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_hostile_date(httpserver: HTTPServer, client: HTTPClient, name: str, date: str) -> None:
    reason = refusal(httpserver, client, name, body(name, GOOD[name][0], date))
    assert "date or time" in reason or "answered a rate of" in reason or "not answer in JSON" in reason
    assert len(reason) < 200
    assert reason.isascii()


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(
    "text", [b"", b"\xff\xfe", b"\xed\xa0\x80", b"{", b"null", b'{"rates": ' * 9_000], ids=lambda text: str(text[:9])
)
def test_a_hostile_body(httpserver: HTTPServer, client: HTTPClient, name: str, text: bytes) -> None:
    assert refusal(httpserver, client, name, text).startswith(f"{name} ")


def test_a_surrogate_between_date_and_time_is_not_stored(httpserver: HTTPServer, client: HTTPClient) -> None:
    text = body("frankfurter", "16350.5", '"2026-11-20\\ud80010:00:00"')
    httpserver.expect_request("/rate").respond_with_data(text, content_type="application/json")
    answer = select([Frankfurter(httpserver.url_for("/rate"))], client, BOUNDS, None, NOW)
    assert answer.quote.as_of == "2026-11-20T10:00:00Z"
