"""What is read from the load generators, and what makes a measurement void."""

import json
from typing import Any

import pytest

from bench.load import Latency, parse_statuses, parse_vegeta, parse_wrk
from efishery_run.errors import LaunchError

WRK = """\
Running 3s test @ http://127.0.0.1:8080/fetch/resource
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.23ms    1.11ms  20.01ms   97.30%
    Req/Sec    26.33k     1.02k   28.00k    80.00%
  78990 requests in 3.00s, 0.88GB read
{failures}Requests/sec:  26330.12
Transfer/sec:    300.55MB
"""


def vegeta(**changed: Any) -> str:
    report = {
        "latencies": {"mean": 4e5, "50th": 300_000, "90th": 500_000, "95th": 6e5, "99th": 1_500_000, "max": 9e6},
        "rate": 1000.2,
        "status_codes": {"200": 3000},
        "errors": [],
    }
    return json.dumps({**report, **changed})


def test_the_throughput_is_that_of_the_whole_run() -> None:
    assert parse_wrk(WRK.format(failures="")) == 26330.12


@pytest.mark.parametrize(
    "failure", ["  Non-2xx or 3xx responses: 12\n", "  Socket errors: connect 0, read 3, write 0, timeout 0\n"]
)
def test_a_run_with_failed_requests_is_void(failure: str) -> None:
    with pytest.raises(LaunchError, match=failure.strip().split(",")[0]):
        parse_wrk(WRK.format(failures=failure))


def test_a_run_without_a_result_is_void() -> None:
    with pytest.raises(LaunchError, match="unable to connect"):
        parse_wrk("unable to connect to 127.0.0.1:1 Connection refused")


def test_a_run_without_any_answer_is_void() -> None:
    with pytest.raises(LaunchError, match="no request was answered"):
        parse_wrk(WRK.format(failures="").replace("26330.12", "0.00"))


def test_latencies_are_in_milliseconds() -> None:
    assert parse_vegeta(vegeta(), 200, 1000) == Latency(1000.2, 0.3, 0.5, 1.5)


@pytest.mark.parametrize("codes", [{"200": 2999, "0": 1}, {"401": 3000}, {}])
def test_another_status_makes_the_latencies_void(codes: dict[str, int]) -> None:
    with pytest.raises(LaunchError, match="expected only the status 200"):
        parse_vegeta(vegeta(status_codes=codes), 200, 1000)


def test_a_rate_that_was_not_sent_makes_the_latencies_void() -> None:
    with pytest.raises(LaunchError, match="sent 1000 of 2000 requests a second"):
        parse_vegeta(vegeta(), 200, 2000)


def test_the_answers_of_a_flood_are_counted_by_status() -> None:
    refused = "  Non-2xx or 3xx responses: 300\n"
    printed = WRK.format(failures=refused) + "Status 200: 25\nStatus 503: 300\n"
    assert parse_statuses(printed) == {200: 25, 503: 300}


def test_a_flood_with_lost_connections_is_void() -> None:
    with pytest.raises(LaunchError, match="Socket errors"):
        parse_statuses(WRK.format(failures="  Socket errors: connect 0, read 3, write 0, timeout 0\n"))


def test_a_login_that_failed_is_named_with_its_status() -> None:
    refused = "  Non-2xx or 3xx responses: 12\n"
    with pytest.raises(LaunchError, match="Status 503: 12"):
        parse_wrk(WRK.format(failures=refused) + "Status 200: 25\nStatus 503: 12\n")
