"""Load on the gateway by vegeta: GET requests at a constant rate, whatever becomes of the answers."""

import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.charts.helm import tool
from tests.e2e.conftest import Gateway, Headers

# Sent in turn. A third goes to auth and docs.
PATHS = (
    "/fetch/rate",
    "/fetch/resource?limit=10",
    "/auth/claims",
    "/fetch/claims",
    "/fetch/resource?limit=50",
    "/docs/",
)
TIMEOUT_SECONDS = 15
LOWEST_RATE = 0.95  # of the rate that was asked for
GATEWAY_LOG = ("kubectl", "-n", "istio-system", "logs", "deployment/istio-ingressgateway")


@dataclass
class Load:
    """What was sent, and each answer that was not 200; complete when the block of `running` has ended."""

    rate: int
    seconds: float = 0
    sent: int = 0
    failures: list[str] = field(default_factory=list)
    reasons: str = ""  # the gateway's log lines of failed requests

    @property
    def failed_share(self) -> float:
        """The share of the requests that failed."""
        return len(self.failures) / self.sent

    def __str__(self) -> str:
        summary = f"{self.sent} requests in {self.seconds:.0f} s, {len(self.failures)} failed"
        return "\n".join([summary, *self.failures[:10], self.reasons]) if self.failures else summary


@contextmanager
def running(folder: Path, gateway: Gateway, token: Headers, rate: int) -> Iterator[Load]:
    """Send `rate` requests a second until the block ends, and wait for the last answer."""
    targets, results = folder / f"targets-{rate}", folder / f"results-{rate}"
    headers = "".join(f"{name}: {value}\n" for name, value in token.items())
    targets.write_text("\n".join(f"GET {gateway.url}{path}\n{headers}" for path in PATHS))
    options = [f"-targets={targets}", f"-output={results}", f"-rate={rate}/1s", "-duration=0", "-max-body=200"]
    load = Load(rate)
    started = time.monotonic()
    process = subprocess.Popen([tool("vegeta"), "attack", *options, f"-timeout={TIMEOUT_SECONDS}s"])
    try:
        yield load
    finally:
        load.seconds = time.monotonic() - started
        process.send_signal(signal.SIGINT)
        process.wait(TIMEOUT_SECONDS + 10)
    _read(load, results)
    assert load.sent > LOWEST_RATE * rate * load.seconds, f"this machine is too slow to send {rate} a second: {load}"


def _read(load: Load, results: Path) -> None:
    encoded = subprocess.run(
        [tool("vegeta"), "encode", "-to=json", results], capture_output=True, text=True, check=True, timeout=60
    )
    answers = [json.loads(line) for line in encoded.stdout.splitlines()]
    load.sent = len(answers)
    load.failures = [
        f"{each['timestamp']} {urlsplit(each['url']).path} {each['code']} {each['error']}"
        for each in answers
        if each["code"] != 200
    ]
    if load.failures:
        load.reasons = _reasons(int(load.seconds) + TIMEOUT_SECONDS)


def _reasons(seconds: int) -> str:
    """Describe the requests that the gateway answered with an error: status, response flags and details."""
    log = subprocess.run([*GATEWAY_LOG, f"--since={seconds}s"], capture_output=True, text=True, check=False, timeout=60)
    # [time] "GET /path HTTP/2" 503 UF upstream_reset_before_response_started{connection_failure} …
    found = Counter(tuple(line.split('"')[2].split()[:3]) for line in log.stdout.splitlines() if line.count('"') > 2)
    return "\n".join(f"{count} × {' '.join(key)}" for key, count in found.most_common() if key[:1] > ("4",))
