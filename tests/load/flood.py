"""More logins, registrations, refreshes and changes of passwords and names than a gateway passes on."""

import itertools
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection

from tests.load.connections import http
from tests.load.rate_limit import Bucket, total

# Ways to write the limited requests. The body is `[]`, which auth refuses before it hashes anything.
LIMITED = (
    ("POST", "/auth/login"),
    ("POST", "/auth/register"),
    ("POST", "/auth/refresh"),
    ("PUT", "/auth/password"),
    ("PUT", "/auth/name"),
    ("POST", "/auth/login?next=/"),
    ("POST", "/auth/%6Cogin"),
    ("POST", "/auth/x/../login"),
    ("POST", "//auth//login"),
    ("POST", "/auth/login?%FF"),
)


@dataclass(frozen=True)
class Answer:
    """One answer of the gateway."""

    status: int
    retry_after: str | None
    body: bytes


def check_rate_limit(url: str) -> None:
    """Assert that the gateway at `url` refuses what is over the limit of all together, and nothing else.

    An address must be allowed as much as all together, as in k8s/istio/components/one-address.
    """
    total().wait_until_full()
    started = time.monotonic()
    answers = flood(url, 3 * total().burst)
    check_answers(answers, total(), time.monotonic() - started)
    total().wait_until_full()


def check_answers(answers: Sequence[Answer], bucket: Bucket, seconds: float) -> None:
    """Assert that as many requests were answered as a full bucket allows within `seconds`, and the others refused."""
    refused = [answer for answer in answers if answer.status == 429]
    assert refused, f"{len(answers)} requests in {seconds:.1f} s"
    assert bucket.burst <= len(answers) - len(refused) <= bucket.burst + bucket.rate * seconds + 1
    for answer in refused:
        assert answer.retry_after == "1", answer
        body = json.loads(answer.body)
        assert body == {"success": False, "status": 429, "msg": body["msg"], "data": None}


def flood(url: str, count: int, address: str = "") -> list[Answer]:
    """Send `count` of the limited requests, all before the first answer is read, and some to other paths.

    They come from `address` (by default, the one that the system chooses) and pretend to be forwarded for others.
    """
    connections = [http(url, 60, source=address) for _ in range(count)]
    with ExitStack() as stack:
        for connection in connections:
            stack.callback(connection.close)
            connection.connect()
        for number, (connection, request) in enumerate(zip(connections, itertools.cycle(LIMITED), strict=False)):
            headers = {"Content-Type": "application/json", "X-Forwarded-For": f"198.51.{number // 256}.{number % 256}"}
            connection.request(*request, b"[]", headers)
        assert status(url, "GET", "/ping", address) != 429
        assert status(url, "GET", "/auth/login", address) != 429, "this limit is not for GET"
        return [_answer(connection) for connection in connections]


def status(url: str, method: str, path: str, address: str) -> int:
    """Return the status of one request from `address`."""
    with closing(http(url, 60, source=address)) as connection:
        connection.request(method, path)
        return connection.getresponse().status


def _answer(connection: HTTPConnection) -> Answer:
    answer = connection.getresponse()
    return Answer(answer.status, answer.getheader("Retry-After"), answer.read())
