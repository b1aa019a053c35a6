"""fetch's own metrics, beside servicekit's request metrics and `circuit_breaker_state`."""

from prometheus_client import Counter

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
    "Calls of the upstream list by outcome: ok, unreachable, timeout, busy, circuit_open, too_large,"
    " redirect_refused, bad_status or bad_body",
    ["outcome"],
)
