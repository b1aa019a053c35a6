"""The runbook's expressions have metrics and labels that the services export."""

import re
from pathlib import Path

from prometheus_client import Histogram

from servicekit.metrics import CLIENT_DURATION, SERVER_DURATION

EXPRESSION = re.compile(r"(http_(?:server|client)_\w+?_seconds)_(?:count|bucket)(?:\{([^}]*)\})?")


def labels(histogram: Histogram) -> set[str]:
    return set(histogram._labelnames)


def test_the_runbook_asks_for_metrics_that_exist(repository: Path) -> None:
    exported = {"http_server_request_duration_seconds": SERVER_DURATION}
    exported["http_client_request_duration_seconds"] = CLIENT_DURATION
    asked = EXPRESSION.findall((repository / "docs/operations.md").read_text())
    assert {name for name, _ in asked} == exported.keys()
    for name, selector in asked:
        assert set(re.findall(r"(\w+)[=!]", selector)) <= labels(exported[name]), selector
