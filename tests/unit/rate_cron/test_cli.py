"""The command: its exit codes, its last log line, and that the settings are checked first."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
from pytest_httpserver import HTTPServer

from efishery_rate_cron import cli, store
from efishery_rate_cron.providers.base import Quote
from efishery_rate_cron.rate_record import HISTORY_KEY, KEY, RUNS_KEY, make_record, parse

TODAY = datetime.now(UTC).date().isoformat()
Run = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def provider(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A custom provider that the settings name, with a key in its URL."""
    monkeypatch.setenv("RATE_CRON_PROVIDERS", "custom")
    monkeypatch.setenv("RATE_CRON_CUSTOM_URL", httpserver.url_for("/rate?key=secret"))
    monkeypatch.setenv("RATE_CRON_CUSTOM_DATE_PATH", "$.date")
    monkeypatch.setenv("RATE_CRON_TIMEOUT_SECONDS", "2")
    return httpserver


@pytest.fixture
def run(
    provider: HTTPServer, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command while the provider answers `rate`; return the exit code and the events of its log."""
    monkeypatch.setenv("RATE_CRON_REDIS_URL", redis_url)

    def run_once(rate: float, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        provider.clear()
        provider.expect_request("/rate").respond_with_json({"rates": {"USD": rate}, "date": TODAY})
        code = cli.main(arguments)
        return code, events(capsys.readouterr().out)

    return run_once


def events(text: str) -> list[dict[str, Any]]:
    """Return the run's own events without time and logger; the test's HTTP server logs in the same process."""
    parsed = [json.loads(line) for line in text.splitlines()]
    own = [event for event in parsed if event["logger"].startswith("efishery_rate_cron")]
    return [{name: value for name, value in event.items() if name not in ("timestamp", "logger")} for event in own]


def test_0_the_rate_is_written(run: Run, redis_client: redis.Redis) -> None:
    code, log = run(0.0000612)
    assert code == 0
    assert parse(str(redis_client.get(KEY)))["rate"] == "0.0000612"
    assert set(redis_client.hgetall(HISTORY_KEY)) == {TODAY}
    assert log == [
        {
            "event": "run_finished",
            "level": "info",
            "outcome": "written",
            "provider": "custom",
            "rate": "0.0000612",
            "previous_rate": None,
            "change_percent": None,
            "as_of": TODAY,
            "reason": None,
        }
    ]


def test_a_second_run_logs_the_change(run: Run) -> None:
    run(0.00006)
    code, (event,) = run(0.0000591)
    assert code == 0
    assert (event["previous_rate"], event["rate"], event["change_percent"]) == ("0.00006", "0.0000591", -1.5)


def test_1_no_valid_rate_and_the_old_one_stays(run: Run, redis_client: redis.Redis) -> None:
    run(0.00006)
    before = redis_client.get(KEY)
    code, log = run(16350.5)
    reason = "custom answered 16350.5, outside 0.00002 to 0.0002"
    assert code == 1
    assert redis_client.get(KEY) == before
    assert [event["event"] for event in log] == ["provider_failed", "run_finished"]
    assert (log[-1]["level"], log[-1]["outcome"], log[-1]["reason"]) == ("error", "no_provider", reason)
    counted = redis_client.hgetall(RUNS_KEY)
    assert (counted["written"], counted["no_provider"], counted["last_failure"]) == ("1", "1", reason)


def test_3_a_change_over_the_limit_is_refused_until_it_is_accepted(run: Run, redis_client: redis.Redis) -> None:
    run(0.00006)
    code, log = run(0.00008)
    assert code == 3
    assert parse(str(redis_client.get(KEY)))["rate"] == "0.00006"
    assert {name: log[-1][name] for name in ("outcome", "provider", "rate", "change_percent")} == {
        "outcome": "refused",
        "provider": "custom",
        "rate": "0.00008",
        "change_percent": 33.33,
    }
    assert redis_client.hget(RUNS_KEY, "refused") == "1"

    code, log = run(0.00008, "--accept-change")
    assert (code, log[-1]["outcome"], log[-1]["change_percent"]) == (0, "written", 33.33)
    assert run(0.00008)[0] == 0


def test_the_change_limit_is_a_setting(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run(0.00006)
    monkeypatch.setenv("RATE_CRON_MAX_CHANGE_PERCENT", "40")
    assert run(0.00008)[0] == 0


def test_accepting_a_change_accepts_no_rate_outside_the_bounds(run: Run) -> None:
    assert run(0.001, "--accept-change")[0] == 1


def test_without_a_previous_rate_any_within_the_bounds_is_written(run: Run, redis_client: redis.Redis) -> None:
    run(0.00006)
    redis_client.delete(KEY)  # as when it expires
    assert run(0.0001)[0] == 0
    redis_client.set(KEY, '{"rate": "much"}')
    code, log = run(0.00006)
    assert (code, [event["event"] for event in log]) == (0, ["corrupt_record", "run_finished"])


def test_a_stored_rate_outside_the_bounds_is_no_previous_rate(run: Run, redis_client: redis.Redis) -> None:
    store.write(redis_client, make_record(Quote(Decimal("0.0009")), "custom", datetime.now(UTC)), timedelta(days=7))
    code, (event,) = run(0.00006)
    assert (code, event["previous_rate"]) == (0, None)


def test_the_rate_is_kept_for_the_days_of_the_setting(
    run: Run, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_CRON_KEEP_DAYS", "3")
    run(0.00006)
    assert 3 * 86400 - 60 < int(str(redis_client.ttl(KEY))) <= 3 * 86400


def test_4_redis_is_unavailable(
    provider: HTTPServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RATE_CRON_REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("RATE_CRON_REDIS_WAIT_SECONDS", "0")
    assert cli.main([]) == 4
    (event,) = events(capsys.readouterr().out)
    assert (event["event"], event["level"], event["outcome"]) == ("run_finished", "error", "redis_unavailable")
    assert "Connection refused" in event["reason"]
    assert provider.log == []  # no provider is asked for a rate that cannot be stored


def test_4_a_redis_that_refuses_to_store_the_rate(run: Run, redis_client: redis.Redis) -> None:
    redis_client.set(HISTORY_KEY, "not a hash")
    code, log = run(0.00006)
    assert (code, log[-1]["outcome"]) == (4, "redis_unavailable")
    assert "WRONGTYPE" in log[-1]["reason"]


def test_a_run_that_cannot_be_counted_has_its_own_outcome(run: Run, redis_client: redis.Redis) -> None:
    redis_client.set(RUNS_KEY, "not a hash")
    code, log = run(16350.5)
    assert (code, [event["event"] for event in log]) == (1, ["provider_failed", "run_not_counted", "run_finished"])


def test_the_log_and_redis_never_hold_the_query_of_a_provider(
    run: Run, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_CRON_CUSTOM_URL", "http://127.0.0.1:9/rate?key=secret")
    code, log = run(0.00006)
    assert code == 1
    assert "secret" not in f"{log} {redis_client.hgetall(RUNS_KEY)}"


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
        ("RATE_CRON_MAX_CHANGE_PERCENT", "0"),
        ("RATE_CRON_MAX_CHANGE_PERCENT", "Infinity"),
        ("RATE_CRON_KEEP_DAYS", "0"),
        ("RATE_CRON_REDIS_WAIT_SECONDS", "-1"),
        ("RATE_CRON_TIMEOUT_SECONDS", "0"),
        ("RATE_CRON_MAX_BYTES", "0"),
    ],
)
def test_2_bad_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv("RATE_CRON_REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as caught:
        cli.main([])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith(f"{name}: ")


def test_2_custom_needs_its_url(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RATE_CRON_REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("RATE_CRON_PROVIDERS", "custom")
    with pytest.raises(SystemExit) as caught:
        cli.main([])
    assert caught.value.code == 2
    assert "RATE_CRON_CUSTOM_URL: " in capsys.readouterr().err


def test_2_an_unknown_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--accept-everything"])
    assert caught.value.code == 2
    assert "--accept-everything" in capsys.readouterr().err
