"""The providers' requests, and how they read numbers and dates; `test_answers.py` has their documented answers."""

import pytest
from pytest_httpserver import HTTPServer

from efishery_rate_cron.providers import build
from efishery_rate_cron.providers.base import Provider, ProviderError, date_or_time
from efishery_rate_cron.providers.custom import Custom
from efishery_rate_cron.providers.frankfurter import Frankfurter
from efishery_rate_cron.settings import RateCronSettings
from servicekit.http import HTTPClient
from servicekit.settings import load


def test_custom_without_a_date_path_leaves_the_date_open(httpserver: HTTPServer, client: HTTPClient) -> None:
    httpserver.expect_request("/rate").respond_with_json({"rates": {"USD": 0.00006}})
    assert Custom(httpserver.url_for("/rate"), "$.rates.USD").quote(client).as_of is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-20", "2026-11-20"),
        ("20261120", "2026-11-20"),
        ("2026-W47-5", "2026-11-20"),
        ("2026-11-20T10:00:00+07:00", "2026-11-20T03:00:00Z"),
        ("2026-11-20T10:00:00", "2026-11-20T10:00:00Z"),
        (1795132801, "2026-11-20T00:00:01Z"),
    ],
)
def test_dates_and_times_have_one_form(value: object, expected: str) -> None:
    assert date_or_time(value, "date") == expected


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
