"""Locks after failed logins, on MySQL and with several pods."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Gateway

AT_ONCE = 60  # the gateway lets 128 requests through to auth at a time, and each pod hashes few


def test_of_200_parallel_wrong_passwords_five_are_tried(gateway: Gateway, new_phone: Callable[[], str]) -> None:
    registered = gateway.post("/auth/register", {"name": "Siti", "phone": new_phone()}).json()["data"]

    def log_in(password: str) -> requests.Response:
        form = {"phone": registered["phone"], "password": password}
        while True:
            answer = requests.post(f"{gateway.url}/auth/login", json=form, timeout=30)
            if answer.status_code != 503:  # many at once fill the queue of hashes
                return answer
            time.sleep(int(answer.headers["Retry-After"]))

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(log_in, ["wrong"] * 200))
    assert Counter(answer.status_code for answer in answers) == {401: 5, 429: 195}
    right = log_in(registered["password"])
    assert right.status_code == right.json()["status"] == 429
    assert 0 < int(right.headers["Retry-After"]) <= 300


def test_an_admin_lifts_a_lock_with_a_new_password(
    gateway: Gateway, admin: dict[str, str], new_phone: Callable[[], str]
) -> None:
    user = gateway.post("/auth/register", {"name": "Siti", "phone": new_phone()}).json()["data"]
    wrong = {"phone": user["phone"], "password": "wrong"}
    assert [gateway.post("/auth/login", wrong).status_code for _ in range(6)] == [401] * 5 + [429]
    issued = gateway.post(f"/auth/users/{user['id']}/password", {}, admin)
    assert issued.status_code == 201, issued.text
    gateway.login(user["phone"], issued.json()["data"]["password"])


def test_old_rows_are_deleted(cluster: Cluster) -> None:
    with cluster.job_of_cronjob("auth-prune"):
        pass
