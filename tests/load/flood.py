"""More logins, registrations and refreshes than a gateway passes on."""

import itertools
import json
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import yaml

from tests.load.connections import http

MANIFEST = Path(__file__).parents[2] / "k8s/istio/base/envoyfilter-rate-limit.yaml"
# Ways to write the limited paths. The body is `[]`, which auth refuses before it hashes anything.
PATHS = (
    "/auth/login",
    "/auth/register",
    "/auth/refresh",
    "/auth/login?next=/",
    "/auth/%6Cogin",
    "/auth/x/../login",
    "/auth/login?%FF",
)


def limits() -> tuple[int, int]:
    """Return requests a second and the burst of envoyfilter-rate-limit.yaml."""
    filter_ = yaml.safe_load(MANIFEST.read_text())["spec"]["configPatches"][0]["patch"]["value"]
    bucket = filter_["typed_config"]["descriptors"][0]["token_bucket"]
    assert bucket["fill_interval"] == "1s"
    return bucket["tokens_per_fill"], bucket["max_tokens"]


@dataclass(frozen=True)
class Answer:
    """One answer of the gateway."""

    status: int
    retry_after: str | None
    body: bytes


def check_rate_limit(url: str) -> None:
    """Assert that the gateway at `url` refuses what is over the limit with the envelope, and nothing else."""
    rate, burst = limits()
    wait_until_refilled()
    started = time.monotonic()
    answers = flood(url, 3 * burst)
    seconds = time.monotonic() - started
    refused = [answer for answer in answers if answer.status == 429]
    assert refused, f"{len(answers)} requests in {seconds:.1f} s"
    assert burst <= len(answers) - len(refused) <= burst + rate * seconds + 1
    for answer in refused:
        assert answer.retry_after == "1", answer
        body = json.loads(answer.body)
        assert body == {"success": False, "status": 429, "msg": body["msg"], "data": None}
    wait_until_refilled()


def flood(url: str, count: int) -> list[Answer]:
    """Send `count` requests to the limited paths, all before the first answer is read, and some to other paths."""
    connections = [http(url, timeout=60) for _ in range(count)]
    with ExitStack() as stack:
        for connection in connections:
            stack.callback(connection.close)
            connection.connect()
        for connection, path in zip(connections, itertools.cycle(PATHS), strict=False):
            connection.request("POST", path, b"[]", {"Content-Type": "application/json"})
        assert _status(url, "GET", "/ping") != 429
        assert _status(url, "GET", "/auth/login") != 429, "only POST is limited"
        return [_answer(connection) for connection in connections]


def _status(url: str, method: str, path: str) -> int:
    with closing(http(url, timeout=60)) as connection:
        connection.request(method, path)
        return connection.getresponse().status


def _answer(connection: HTTPConnection) -> Answer:
    answer = connection.getresponse()
    return Answer(answer.status, answer.getheader("Retry-After"), answer.read())


def wait_until_refilled() -> None:
    """Wait until a whole burst passes again."""
    rate, burst = limits()
    time.sleep(burst / rate + 0.5)
