"""What the gateway refuses, and that it does so in the envelope."""

import json
from contextlib import ExitStack
from http.client import HTTPConnection

import pytest
import requests

from tests.load.hostile import REFUSED, check_envelope
from tests.system.running import RunningSystem

LARGEST_BODY = 4096  # bytes


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_an_envelope(system: RunningSystem, name: str) -> None:
    statuses, data = REFUSED[name]
    assert check_envelope(system.url, data) == statuses[0]


def test_a_body_at_the_limit_reaches_the_service(system: RunningSystem) -> None:
    body = b'{"phone": "' + b"1" * (LARGEST_BODY - 13) + b'"}'
    answer = requests.post(
        f"{system.url}/auth/login", data=body, headers={"Content-Type": "application/json"}, timeout=20
    )
    assert (len(body), answer.status_code) == (LARGEST_BODY, 422)


def test_requests_past_the_limit_are_503_with_retry_after(system: RunningSystem, admin_token: str) -> None:
    headers = {"Authorization": f"Bearer {admin_token}"}
    # fetch gets 1,000 requests at a time.
    connections = [HTTPConnection("127.0.0.1", system.port, timeout=30) for _ in range(1500)]
    with ExitStack() as stack:
        for connection in connections:
            stack.callback(connection.close)
            connection.connect()
        for number, connection in enumerate(connections):  # each another query, so that none is answered from the cache
            connection.request("GET", f"/fetch/resource?sort=price&limit=1000&offset={number}", headers=headers)
        answers = [connection.getresponse() for connection in connections]
        refused = [(answer, json.loads(answer.read())) for answer in answers if answer.status != 200]
    assert refused
    assert {(answer.status, answer.headers.get("Retry-After")) for answer, _ in refused} == {(503, "1")}
    assert {body["status"] for _, body in refused} == {503}
