"""Clients of the API at a fixed rate, whatever it answers: half registrations (writes), half logins (reads)."""

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tests.e2e.mysql.ledger import Attempt, outcome
from tests.e2e.mysql.members import API_PHONES

USERS = 10
CLIENTS = 150  # enough for all requests that can be open at once


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent and answered (epoch seconds), and what the answer was (status 0: none)."""

    kind: str
    phone: str
    sent: float
    done: float
    status: int
    retry_after: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether it did what was asked."""
        return self.status == (201 if self.kind == "register" else 200)


class Load:
    """Sends requests at `rate` a second until the end of the block."""

    def __init__(self, url: str, rate: float) -> None:
        self.answers: list[Answer] = []
        self._url = url
        self._every = 1 / rate
        self._first = f"{API_PHONES}9{int(time.time()) % 10**5:05d}"
        self._local = threading.local()
        self._ending = threading.Event()

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Register the users who log in, then send; returns when every request is answered."""
        users = [self._new_user(f"{self._first}{number:05d}") for number in range(USERS)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            pacemaker = threading.Thread(target=self._send_all, args=(pool, users), daemon=True)
            pacemaker.start()
            try:
                yield self
            finally:
                self._ending.set()
                pacemaker.join()

    def of(self, kind: str) -> list[Answer]:
        """Answer the requests of one kind, as they were sent."""
        return sorted((each for each in self.answers if each.kind == kind), key=lambda each: each.sent)

    def attempts(self) -> list[Attempt]:
        """Answer the registrations, as the books take them."""
        return [Attempt("api", each.phone, each.sent, each.done, outcome(each.status)) for each in self.of("register")]

    def _send_all(self, pool: ThreadPoolExecutor, users: list[dict[str, str]]) -> None:
        logins = itertools.cycle(users)
        due = time.monotonic()
        for number in itertools.count(USERS):
            due += self._every
            if self._ending.wait(max(0, due - time.monotonic())):
                return
            if number % 2:
                pool.submit(self._send, "login", next(logins))
            else:
                pool.submit(self._send, "register", {"name": "Load", "phone": f"{self._first}{number:05d}"})

    def _send(self, kind: str, body: dict[str, str]) -> None:
        sent = time.time()
        try:
            response = self._post(kind, body)
            status, retry_after = response.status_code, response.headers.get("Retry-After", "")
        except requests.RequestException:
            status, retry_after = 0, ""
        self.answers.append(Answer(kind, body["phone"], sent, time.time(), status, retry_after))

    def _new_user(self, phone: str) -> dict[str, str]:
        sent = time.time()
        response = self._post("register", {"name": "Load", "phone": phone})
        assert response.status_code == 201, response.text
        self.answers.append(Answer("register", phone, sent, time.time(), response.status_code))
        data: dict[str, Any] = response.json()["data"]
        return {"phone": data["phone"], "password": data["password"]}

    def _post(self, kind: str, body: dict[str, str]) -> requests.Response:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        response: requests.Response = self._local.session.post(f"{self._url}/auth/{kind}", json=body, timeout=20)
        return response
