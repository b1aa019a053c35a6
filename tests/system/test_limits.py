"""What the gateway refuses, and that it does so in the envelope."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from servicekit.app import MAX_BODY_BYTES
from tests.load.hostile import REFUSED, check_envelope
from tests.system.running import RunningSystem


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_an_envelope(system: RunningSystem, name: str) -> None:
    statuses, data = REFUSED[name]
    assert check_envelope(system.url, data) == statuses[0]


def test_a_body_at_the_limit_reaches_the_service(system: RunningSystem) -> None:
    body = b'{"phone": "' + b"1" * (MAX_BODY_BYTES - 13) + b'"}'
    answer = requests.post(
        f"{system.url}/auth/login", data=body, headers={"Content-Type": "application/json"}, timeout=20
    )
    assert (len(body), answer.status_code) == (MAX_BODY_BYTES, 422)


def test_requests_past_the_limit_are_503_with_retry_after(system: RunningSystem, admin_token: str) -> None:
    headers = {"Authorization": f"Bearer {admin_token}"}

    def get(_number: int) -> requests.Response:
        return requests.get(f"{system.url}/fetch/resource", headers=headers, timeout=30)

    with ThreadPoolExecutor(200) as threads:
        answers = list(threads.map(get, range(400)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    assert {(answer.status_code, answer.headers.get("Retry-After")) for answer in refused} == {(503, "1")}
    assert all(answer.json()["status"] == 503 for answer in refused)
