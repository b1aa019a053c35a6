"""The command: its exit codes, its log, and that the settings are checked first."""

import json

import pytest
import redis
from pytest_httpserver import HTTPServer

from efishery_rate_cron import cli
from efishery_rate_cron.rate_record import KEY


@pytest.fixture
def provider(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A custom provider that the settings name, with a key in its URL."""
    monkeypatch.setenv("RATE_CRON_PROVIDERS", "custom")
    monkeypatch.setenv("RATE_CRON_CUSTOM_URL", httpserver.url_for("/rate?key=secret"))
    monkeypatch.setenv("RATE_CRON_TIMEOUT_SECONDS", "2")
    return httpserver


def events(text: str) -> list[dict[str, str]]:
    """Return the run's own events; the test's HTTP server logs in the same process."""
    parsed = [json.loads(line) for line in text.splitlines()]
    return [event for event in parsed if event["logger"].startswith("efishery_rate_cron")]


def test_a_run_writes_the_rate(
    provider: HTTPServer, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.expect_request("/rate").respond_with_json({"rates": {"USD": 0.0000612}})
    monkeypatch.setenv("RATE_CRON_REDIS_URL", redis_url)
    assert cli.main() == 0
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        stored = client.get(KEY)
    assert isinstance(stored, str)
    assert json.loads(stored)["rate"] == "0.0000612"
    (event,) = events(capsys.readouterr().out)
    assert (event["event"], event["source"], event["rate"]) == ("rate_written", "custom", "0.0000612")


def test_no_valid_rate_is_exit_code_1_and_the_old_one_stays(
    provider: HTTPServer, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.expect_request("/rate").respond_with_json({"rates": {"USD": 16350.5}})
    monkeypatch.setenv("RATE_CRON_REDIS_URL", redis_url)
    with redis.Redis.from_url(redis_url) as client:
        client.set(KEY, "old")
        assert cli.main() == 1
        assert client.get(KEY) == b"old"
    assert [event["event"] for event in events(capsys.readouterr().out)] == [
        "provider_failed",
        "rate_not_written",
    ]


def test_no_redis_is_exit_code_1(
    provider: HTTPServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.expect_request("/rate").respond_with_json({"rates": {"USD": 0.0000612}})
    monkeypatch.setenv("RATE_CRON_REDIS_URL", "redis://127.0.0.1:9/0")
    assert cli.main() == 1
    assert events(capsys.readouterr().out)[-1]["reason"].startswith("Redis: ")


def test_the_log_never_holds_the_query_of_a_provider(
    provider: HTTPServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RATE_CRON_CUSTOM_URL", "http://127.0.0.1:9/rate?key=secret")
    monkeypatch.setenv("RATE_CRON_REDIS_URL", "redis://127.0.0.1:9/0")
    assert cli.main() == 1
    assert "secret" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RATE_CRON_REDIS_URL", ""),
        ("RATE_CRON_REDIS_URL", "http://redis"),
        ("RATE_CRON_PROVIDERS", "frankfurter,nobody"),
        ("RATE_CRON_PROVIDERS", ","),
        ("RATE_CRON_CUSTOM_RATE_PATH", "rates.USD"),
        ("RATE_CRON_CUSTOM_DATE_PATH", "$["),
        ("RATE_CRON_MAX_RATE", "0.00001"),
        ("RATE_CRON_MIN_RATE", "NaN"),
        ("RATE_CRON_TIMEOUT_SECONDS", "0"),
        ("RATE_CRON_MAX_BYTES", "0"),
    ],
)
def test_bad_settings_are_exit_code_2_with_the_variable_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv("RATE_CRON_REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith(f"{name}: ")


def test_custom_needs_its_url(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RATE_CRON_REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("RATE_CRON_PROVIDERS", "custom")
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    assert "RATE_CRON_CUSTOM_URL: " in capsys.readouterr().err
