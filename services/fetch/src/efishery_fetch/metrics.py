"""fetch's own metrics, beside servicekit's request metrics and `circuit_breaker_state`."""

from collections.abc import Mapping
from datetime import datetime
from math import nan

from prometheus_client import Counter, Gauge

REDIS_FAILURES = Counter(
    "fetch_redis_failures_total", "Redis operations that failed; the request went on without", ["operation"]
)
CORRUPT_RECORDS = Counter(
    "fetch_corrupt_records_total",
    "Records in Redis that could not be parsed and were treated as missing",
    ["key"],
)
UPSTREAM_ANSWERS = Counter(
    "fetch_upstream_answers_total",
    "Calls of the upstream list by outcome: ok, unreachable, timeout, too_large, redirect_refused,"
    " bad_status, bad_body or shrunk",
    ["outcome"],
)
RATE_CRON_RUNS = Gauge("fetch_rate_cron_runs", "Runs of rate-cron by outcome, as counted in Redis", ["outcome"])
RATE_AGE = Gauge("fetch_rate_age_seconds", "Time since rate-cron requested the rate in use; NaN without a rate")
LIST_AGE = Gauge("fetch_list_age_seconds", "Time since the list in use was requested; NaN without a list")
LIST_ROWS = Gauge("fetch_list_rows", "Rows of the list in use")
REJECTED_ROWS = Gauge("fetch_rejected_rows", "Rows of the list in use that are rejected, by reason", ["reason"])
CACHE_LOOKUPS = Counter(
    "fetch_cache_lookups_total", "Answers of lists by whether their body was there (hit) or was made (miss)", ["result"]
)
CACHE_HITS, CACHE_MISSES = CACHE_LOOKUPS.labels("hit"), CACHE_LOOKUPS.labels("miss")


def set_rate_cron_runs(runs: Mapping[str, int]) -> None:
    """Publish the number of runs by outcome."""
    for outcome, number in runs.items():
        RATE_CRON_RUNS.labels(outcome).set(number)


def set_age(gauge: Gauge, since: datetime | None, now: datetime) -> None:
    """Publish the seconds since then."""
    gauge.set((now - since).total_seconds() if since else nan)


def set_list(rows: int, rejected: Mapping[str, int]) -> None:
    """Publish the size of the list in use and its rejected rows by reason."""
    LIST_ROWS.set(rows)
    REJECTED_ROWS.clear()
    for reason, number in rejected.items():
        REJECTED_ROWS.labels(reason).set(number)
