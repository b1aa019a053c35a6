"""Each provider with valid and invalid answers."""

from decimal import Decimal

import pytest
from pytest_httpserver import HTTPServer

from efishery_rate_cron.providers import build
from efishery_rate_cron.providers.base import Provider, ProviderError
from efishery_rate_cron.providers.custom import Custom
from efishery_rate_cron.providers.frankfurter import Frankfurter
from efishery_rate_cron.providers.open_er_api import OpenERAPI
from efishery_rate_cron.settings import RateCronSettings
from servicekit.http import HTTPClient
from servicekit.settings import load

FRANKFURTER = {"amount": 1.0, "base": "USD", "date": "2026-11-20", "rates": {"IDR": 16350.5}}
OPEN_ER_API = {
    "result": "success",
    "time_last_update_unix": 1795132801,
    "base_code": "USD",
    "rates": {"IDR": 16350.5},
}
INVERSE = Decimal("0.0000611602091679")


def serve(server: HTTPServer, answer: object) -> str:
    server.expect_request("/rate").respond_with_json(answer)
    return server.url_for("/rate")


def test_frankfurter_is_inverted_with_twelve_digits(httpserver: HTTPServer, client: HTTPClient) -> None:
    quote = Frankfurter(serve(httpserver, FRANKFURTER)).quote(client)
    assert quote.rate == INVERSE
    assert quote.as_of == "2026-11-20"


def test_open_er_api_has_the_time_of_its_rate(httpserver: HTTPServer, client: HTTPClient) -> None:
    quote = OpenERAPI(serve(httpserver, OPEN_ER_API)).quote(client)
    assert quote.rate == INVERSE
    assert quote.as_of == "2026-11-20T00:00:01Z"


@pytest.mark.parametrize("value", [0.0000612345678901, "0.0000612345678901"], ids=["number", "text"])
def test_custom_reads_numbers_and_text(httpserver: HTTPServer, client: HTTPClient, value: object) -> None:
    url = serve(httpserver, {"data": [{"usd": value, "day": "2026-11-20"}]})
    quote = Custom(url, "$.data[0].usd", "$.data[0].day").quote(client)
    assert quote.rate == Decimal("0.0000612345678901")
    assert quote.as_of == "2026-11-20"


def test_custom_without_a_date_path_leaves_the_date_open(httpserver: HTTPServer, client: HTTPClient) -> None:
    assert Custom(serve(httpserver, {"rates": {"USD": 0.00006}}), "$.rates.USD").quote(client).as_of is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"date": "2026-11-20"}, "without rates.IDR"),
        ({"date": "2026-11-20", "rates": []}, "without rates.IDR"),
        ({"date": "2026-11-20", "rates": {"IDR": None}}, "no positive number"),
        ({"date": "2026-11-20", "rates": {"IDR": True}}, "no positive number"),
        ({"date": "2026-11-20", "rates": {"IDR": 0}}, "no positive number"),
        ({"date": "2026-11-20", "rates": {"IDR": -16350}}, "no positive number"),
        ({"date": "2026-11-20", "rates": {"IDR": "NaN"}}, "no positive number"),
        ({"date": "2026-11-20", "rates": {"IDR": float("nan")}}, "no positive number"),
        ({"date": "2026-11-20", "rates": {"IDR": "1e-1000005"}}, "cannot be inverted"),
        ({"date": "yesterday", "rates": {"IDR": 16350}}, "no date or time at date"),
        ([], "without rates.IDR"),
    ],
)
def test_frankfurter_refuses(httpserver: HTTPServer, client: HTTPClient, answer: object, reason: str) -> None:
    with pytest.raises(ProviderError, match=reason):
        Frankfurter(serve(httpserver, answer)).quote(client)


def test_open_er_api_reports_its_own_failures(httpserver: HTTPServer, client: HTTPClient) -> None:
    with pytest.raises(ProviderError, match="it failed"):
        OpenERAPI(serve(httpserver, {"result": "error", "error-type": "unsupported-code"})).quote(client)


@pytest.mark.parametrize("path", ["$.rates.EUR", "$.rates.*"], ids=["none", "two"])
def test_custom_wants_one_value(httpserver: HTTPServer, client: HTTPClient, path: str) -> None:
    with pytest.raises(ProviderError, match="not one"):
        Custom(serve(httpserver, {"rates": {"USD": 0.00006, "SGD": 0.00008}}), path).quote(client)


def test_an_error_status_is_named(httpserver: HTTPServer, client: HTTPClient) -> None:
    httpserver.expect_request("/rate").respond_with_data("gone", status=410)
    with pytest.raises(ProviderError, match="answered with status 410"):
        Frankfurter(httpserver.url_for("/rate")).quote(client)


def test_a_silent_provider_ends_at_the_deadline(silent_url: str) -> None:
    client = HTTPClient(deadline_seconds=0.2, max_bytes=64, user_agent="test")
    with pytest.raises(ProviderError, match=r"no complete answer within 0\.2 s"):
        Frankfurter(silent_url).quote(client)


def test_an_answer_over_the_limit_is_refused(httpserver: HTTPServer, client: HTTPClient) -> None:
    httpserver.expect_request("/rate").respond_with_data(b" " * (client.max_bytes + 1))
    with pytest.raises(ProviderError, match="larger than 65536 bytes"):
        Frankfurter(httpserver.url_for("/rate")).quote(client)


def test_a_redirect_to_another_host_is_refused(httpserver: HTTPServer, client: HTTPClient) -> None:
    httpserver.expect_request("/rate").respond_with_data(status=302, headers={"Location": "http://192.0.2.1/"})
    with pytest.raises(ProviderError, match="redirect to another host"):
        Frankfurter(httpserver.url_for("/rate")).quote(client)


def test_a_page_is_not_json(httpserver: HTTPServer, client: HTTPClient) -> None:
    httpserver.expect_request("/rate").respond_with_data("<html>maintenance</html>")
    with pytest.raises(ProviderError, match="not answer in JSON"):
        Frankfurter(httpserver.url_for("/rate")).quote(client)


def test_a_reason_never_holds_the_query(client: HTTPClient) -> None:
    with pytest.raises(ProviderError) as caught:
        Custom("http://127.0.0.1:9/rate?apikey=secret", "$").quote(client)
    assert "secret" not in str(caught.value)


def test_build_keeps_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_CRON_REDIS_URL", "redis://127.0.0.1/0")
    monkeypatch.setenv("RATE_CRON_PROVIDERS", "custom, open-er-api,frankfurter")
    monkeypatch.setenv("RATE_CRON_CUSTOM_URL", "http://127.0.0.1/")
    built: list[Provider] = build(load(RateCronSettings))
    assert [provider.name for provider in built] == ["custom", "open-er-api", "frankfurter"]


def test_a_number_that_decimal_cannot_hold_is_an_invalid_answer(httpserver: HTTPServer, client: HTTPClient) -> None:
    body = '{"date": "2026-11-20", "rates": {"IDR": 1e99999999999999999999}}'
    httpserver.expect_request("/rate").respond_with_data(body, content_type="application/json")
    with pytest.raises(ProviderError):
        Frankfurter(httpserver.url_for("/rate")).quote(client)
