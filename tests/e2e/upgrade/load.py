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
# A request that is answered 503 is repeated, a registration with its Idempotency-Key, as the API documents.
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
        """Tell whether the API asks for the same request again."""
        return self.status == 503 and self.retry_after.isdecimal()


class Load:
    """Sends the mix to the gateway while `running`, and records each answer and each acknowledged registration.

    Requests of the kinds in `may_repeat` may be answered 503 first; for others that is a failure.
    """

    def __init__(self, gateway: Gateway, may_repeat: tuple[str, ...] = ("register",)) -> None:
        self.answers: list[Answer] = []
        self.acknowledged: list[Credentials] = []
        self._may_repeat = may_repeat
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
        """Return the answers that were neither a success nor a reason to repeat the request."""
        return [answer for answer in self.answers if not (answer.is_success or self._is_repeated(answer))]

    def summary(self) -> str:
        """Describe the numbers of answers, for the report."""
        repeated = Counter(answer.request for answer in self.answers if self._is_repeated(answer))
        failed = Counter((answer.request, answer.status) for answer in self.failed())
        kinds = Counter(answer.request for answer in self.answers)
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        return f"{counts}; answered 503 and repeated: {dict(repeated) or 0}; failed: {dict(failed) or 0}"

    def _requests(self, user: Credentials, headers: Headers) -> Iterator[Callable[[], object]]:
        for kind in itertools.cycle(MIX):
            if kind == "register":
                yield self._register
            elif kind == "login":
                yield functools.partial(self._repeat, kind, "/auth/login", json=user)
            else:
                yield functools.partial(self._send, kind, "GET", kind, headers=headers)

    def _register(self) -> None:
        body = {"name": "Load", "phone": f"{PHONES}{next(self._numbers):09d}"}
        answer = self._repeat("register", "/auth/register", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        if answer.is_success:
            self.acknowledged.append({"phone": body["phone"], "password": answer.data["password"]})

    def _repeat(self, kind: str, path: str, **options: Any) -> Answer:
        for _ in range(ATTEMPTS):
            answer = self._send(kind, "POST", path, **options)
            if not self._is_repeated(answer):
                return answer
            time.sleep(int(answer.retry_after))
        last = Answer(time.time(), 0, kind, 0, f"no success in {ATTEMPTS} attempts")
        self.answers.append(last)
        return last

    def _is_repeated(self, answer: Answer) -> bool:
        return answer.request in self._may_repeat and answer.is_retryable

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
