"""What fetch counts beside servicekit's request metrics."""

from prometheus_client import Counter

REDIS_FAILURES = Counter(
    "fetch_redis_failures_total", "Redis operations that failed and were done without", ["operation"]
)
CORRUPT_RECORDS = Counter(
    "fetch_corrupt_records_total",
    "Records in Redis that could not be read and were taken as missing",
    ["key"],
)
UPSTREAM_ANSWERS = Counter(
    "fetch_upstream_answers_total",
    "How calls of the upstream list ended: ok, unreachable, bad_status or bad_body",
    ["outcome"],
)
