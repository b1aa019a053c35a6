"""Normal load without and then with slow clients beside it, each in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SLOW_CLIENTS = 500
NORMAL_RATE = 20  # requests a second
REPOSITORY = Path(__file__).parents[2]
# Slow clients are ended after 5 s (header) and 10 s (body): if they held threads, normal requests would wait as long.
# A shorter p99 may be noise of the machine, whose few cores the system shares with its clients.
HELD_SECONDS = 3


@dataclass
class Comparison:
    """What normal clients met while it was calm and beside the slow ones, and what these met; times in seconds."""

    calm_p99: float
    slow_p99: float
    failures: list[str]
    slow: dict[str, Any] = field(default_factory=dict)

    @property
    def allowed_p99(self) -> float:
        """Twice the calm p99, or what only a held thread causes."""
        return max(2 * self.calm_p99, HELD_SECONDS)


def usual_requests(login: dict[str, str], token: dict[str, str]) -> list[dict[str, Any]]:
    """Make one request to each service, and a login: what normal clients send in turn."""
    json_body = {"Content-Type": "application/json"}
    return [
        {"method": "GET", "path": "/ping", "headers": {}},
        {"method": "POST", "path": "/auth/login", "headers": json_body, "body": login},
        {"method": "GET", "path": "/fetch/resource", "headers": token},
        {"method": "GET", "path": "/docs/", "headers": {}},
    ]


def check(measured: Comparison) -> None:
    """Assert that normal clients met no failure and no delay, and that the slow ones were there."""
    assert measured.failures == []
    assert measured.slow_p99 <= measured.allowed_p99, measured
    assert measured.slow["connected"] > SLOW_CLIENTS / 2, measured
    assert measured.slow["not_json"] == []


def compare(url: str, requests: list[dict[str, Any]], seconds: float = 12) -> Comparison:
    """Send `requests` in turn for `seconds` beside SLOW_CLIENTS, and for half of it before and after."""
    before = normal_load(url, requests, seconds / 2)
    with _slow(url, SLOW_CLIENTS) as slow:
        busy = normal_load(url, requests, seconds)
    after = normal_load(url, requests, seconds / 2)
    failures = [failure for phase in (before, busy, after) for failure in phase["failures"]]
    return Comparison(_p99([*before["seconds"], *after["seconds"]]), _p99(busy["seconds"]), failures, slow)


def normal_load(url: str, requests: list[dict[str, Any]], seconds: float, rate: int = NORMAL_RATE) -> dict[str, Any]:
    """Send `requests` in turn, `rate` a second; return the `seconds` that each took and the `failures`."""
    command = [sys.executable, "-m", "tests.load.normal", url, str(seconds), str(rate)]
    done = subprocess.run(
        command, cwd=REPOSITORY, input=json.dumps(requests), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


@contextmanager
def _slow(url: str, clients: int) -> Iterator[dict[str, Any]]:
    """Run the slow clients; what they saw is in the dictionary after the block."""
    seen: dict[str, Any] = {}
    command = [sys.executable, "-m", "tests.load.slow", url, str(clients)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "connected\n"
        yield seen
        output, _ = process.communicate(timeout=30)
        seen.update(json.loads(output))
    finally:
        process.kill()
        process.wait()


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]
