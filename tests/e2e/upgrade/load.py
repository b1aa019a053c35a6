"""Clients of the API during an upgrade: registrations, logins and reads at a steady rate."""

import functools
import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tests.e2e.conftest import Gateway, Headers
from tests.e2e.open_loop import sending

REQUESTS_PER_SECOND = 25
# Sent in turn: 5 registrations, 5 logins and 15 reads a second.
MIX = ("register", "/fetch/resource", "login", "/fetch/resource", "/auth/claims")
PHONES = "+62877"
THREADS = 100
# A registration that is answered 503 is repeated with its Idempotency-Key, as the API documents.
ATTEMPTS = 20

Credentials = dict[str, str]


@dataclass(frozen=True)
class Answer:
    """How one attempt at a request ended: `status` 0 is no answer, with the error as `text`."""

    sent: float
    """Epoch seconds."""
    seconds: float
    request: str
    status: int
    text: str = ""
    retry_after: str = ""
    data: Any = None

    @property
    def is_success(self) -> bool:
        """Tell whether the request did what it was sent for."""
        return self.status == (201 if self.request == "register" else 200)

    @property
    def is_retryable(self) -> bool:
        """Tell whether the API asks for the same registration again."""
        return self.request == "register" and self.status == 503 and self.retry_after.isdecimal()


class Load:
    """Sends the mix to the gateway while `running`, and records each answer and each acknowledged registration."""

    def __init__(self, gateway: Gateway) -> None:
        self.answers: list[Answer] = []
        self.acknowledged: list[Credentials] = []
        self._url = gateway.url
        self._numbers = itertools.count(int(time.time()) % 10**6 * 1000)
        self._local = threading.local()

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Send until the block ends, and wait for the last answer."""
        self._register()
        assert self.acknowledged, self.answers
        user = self.acknowledged[0]
        headers = Gateway(self._url).login(user["phone"], user["password"])
        with sending(self._requests(user, headers), REQUESTS_PER_SECOND, THREADS):
            yield self

    def failed(self) -> list[Answer]:
        """Return the answers that were neither a success nor a registration to be repeated."""
        return [answer for answer in self.answers if not (answer.is_success or answer.is_retryable)]

    def summary(self) -> str:
        """Describe the numbers of answers, for the report."""
        repeated = sum(answer.is_retryable for answer in self.answers)
        failed = Counter((answer.request, answer.status) for answer in self.failed())
        kinds = Counter(answer.request for answer in self.answers)
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        return f"{counts}; {repeated} registrations answered 503 and repeated; failed: {dict(failed) or 0}"

    def _requests(self, user: Credentials, headers: Headers) -> Iterator[Callable[[], object]]:
        for kind in itertools.cycle(MIX):
            if kind == "register":
                yield self._register
            elif kind == "login":
                yield functools.partial(self._send, kind, "POST", "/auth/login", json=user)
            else:
                yield functools.partial(self._send, kind, "GET", kind, headers=headers)

    def _register(self) -> None:
        body = {"name": "Load", "phone": f"{PHONES}{next(self._numbers):09d}"}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        for _ in range(ATTEMPTS):
            answer = self._send("register", "POST", "/auth/register", json=body, headers=headers)
            if answer.is_success:
                self.acknowledged.append({"phone": body["phone"], "password": answer.data["password"]})
            if not answer.is_retryable:
                return
            time.sleep(int(answer.retry_after))
        self.answers.append(Answer(time.time(), 0, "register", 0, f"not acknowledged after {ATTEMPTS} attempts"))

    def _send(self, kind: str, method: str, path: str, **options: Any) -> Answer:
        answer = self._answer(kind, method, path, options)
        self.answers.append(answer)
        return answer

    def _answer(self, kind: str, method: str, path: str, options: dict[str, Any]) -> Answer:
        if not hasattr(self._local, "session"):
            self._local.session = Gateway(self._url)
        gateway: Gateway = self._local.session
        sent = time.time()
        try:
            response = gateway.request(method, path, **options)
        except requests.RequestException as error:
            return Answer(sent, time.time() - sent, kind, 0, repr(error))
        data = response.json()["data"] if response.status_code == 201 else None
        retry_after = response.headers.get("Retry-After", "")
        return Answer(sent, time.time() - sent, kind, response.status_code, response.text[:200], retry_after, data)
