"""An open-loop load generator: requests at a fixed rate, half registrations (writes) and half logins (reads)."""

import functools
import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import requests

from tests.e2e.mysql.history import Operation, outcome_of_registration
from tests.e2e.mysql.limits import FAILOVER_SECONDS, REQUEST_SECONDS
from tests.e2e.mysql.members import API_PHONES
from tests.e2e.open_loop import sending

USERS = 10
# All requests that can be open at once: 25 registrations a second that wait 7 s each, and some logins.
THREADS = 200
# Above what the gateway allows a request.
CLIENT_TIMEOUT_SECONDS = 20

Kind = Literal["register", "login"]
NAMES: dict[Kind, str] = {"register": "registrations", "login": "logins"}


@dataclass(frozen=True)
class Request:
    """One request of the load. `key` is the Idempotency-Key of a registration, empty for a login."""

    kind: Kind
    body: dict[str, str]
    key: str = ""

    @property
    def phone(self) -> str:
        """Return the phone of the user."""
        return self.body["phone"]


@dataclass(frozen=True)
class Answer:
    """The answer to one request: when it was sent and answered (epoch seconds), and its status (0: no answer)."""

    request: Request
    sent: float
    done: float
    status: int
    retry_after: str = ""
    password: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the request succeeded."""
        return self.status == (201 if self.request.kind == "register" else 200)

    @property
    def is_retryable(self) -> bool:
        """Tell whether it is a 503 with a Retry-After in seconds, the only failure that the API documents here."""
        return self.status == 503 and self.retry_after.isdecimal()


class LoadGenerator:
    """Sends `rate` requests a second to the API at `url`, however long the answers take.

    `answers` has the answers to the load, `retries` those of `retry_unavailable`.
    """

    def __init__(self, url: str, rate: float) -> None:
        self.rate = rate
        self.answers: list[Answer] = []
        self.retries: list[Answer] = []
        self._url = url
        self._first = f"{API_PHONES}9{int(time.time()) % 10**5:05d}"
        self._local = threading.local()

    @contextmanager
    def running(self) -> Iterator["LoadGenerator"]:
        """Register the users for the logins, then send until the block ends, and wait for the last answer."""
        users = [self._new_user(number) for number in range(USERS)]
        with sending(self._requests(users), self.rate, THREADS):
            yield self

    def of(self, kind: Kind) -> list[Answer]:
        """Return the answers to requests of one kind, in the order of sending."""
        return sorted((each for each in self.answers if each.request.kind == kind), key=lambda each: each.sent)

    def failed(self, kind: Kind) -> list[Answer]:
        """Return the answers of one kind that are not successes, in the order of sending."""
        return [answer for answer in self.of(kind) if not answer.ok]

    def summary(self) -> str:
        """Describe how many requests of each kind failed, for a note."""
        counts = (f"{len(self.failed(kind))} of {len(self.of(kind))} {name}" for kind, name in NAMES.items())
        return " and ".join(counts) + " failed"

    def problems(self, registrations: float, logins: float) -> list[str]:
        """Describe what exceeds these shares of failures, and failed registrations that are not 503 + Retry-After."""
        shares: dict[Kind, float] = {"register": registrations, "login": logins}
        texts = [
            f"{len(self.failed(kind))} of {len(self.of(kind))} {NAMES[kind]} failed: {statuses(self.failed(kind))}"
            for kind, share in shares.items()
            if len(self.failed(kind)) > share * len(self.of(kind))
        ]
        undocumented = [answer for answer in self.failed("register") if not answer.is_retryable]
        return texts + [f"not 503 with Retry-After: {statuses(undocumented)}"] * bool(undocumented)

    def operations(self) -> list[Operation]:
        """Return the registrations and their retries for the history."""
        return [operation(answer) for answer in self.of("register") + self.retries]

    def retry_unavailable(self) -> list[str]:
        """Send each registration that was answered 503 again, with its key and body, after its Retry-After.

        Describe each that is not answered 201 with a password that logs in.
        """
        unavailable = [answer for answer in self.failed("register") if answer.is_retryable]
        self.retries += [self._retry(answer) for answer in unavailable]
        return [problem for answer in self.retries if (problem := self._problem_of_retry(answer))]

    def _problem_of_retry(self, answer: Answer) -> str:
        phone = answer.request.phone
        if not answer.ok:
            return f"{phone}: the retry was answered {answer.status}"
        login = self._send(Request("login", {"phone": phone, "password": answer.password}))
        return "" if login.ok else f"{phone}: the login with the password of the retry was answered {login.status}"

    def _retry(self, answer: Answer) -> Answer:
        time.sleep(max(0, answer.done + int(answer.retry_after) - time.time()))
        return self._send(answer.request)

    def _requests(self, users: list[dict[str, str]]) -> Iterator[Callable[[], None]]:
        logins = itertools.cycle(users)
        for number in itertools.count(USERS):
            request = Request("login", next(logins)) if number % 2 else self._registration(number)
            yield functools.partial(self._send_and_record, request)

    def _send_and_record(self, request: Request) -> None:
        self.answers.append(self._send(request))

    def _new_user(self, number: int) -> dict[str, str]:
        answer = self._send(self._registration(number))
        assert answer.ok, f"a user for the logins: {answer}"
        self.answers.append(answer)
        return {"phone": answer.request.phone, "password": answer.password}

    def _registration(self, number: int) -> Request:
        return Request("register", {"name": "Load", "phone": f"{self._first}{number:05d}"}, key=str(uuid.uuid4()))

    def _send(self, request: Request) -> Answer:
        sent = time.time()
        try:
            response = self._post(request)
            password = response.json()["data"]["password"] if response.status_code == 201 else ""
        except (requests.RequestException, KeyError):  # KeyError: a 201 without a password
            return Answer(request, sent, time.time(), status=0)
        retry_after = response.headers.get("Retry-After", "")
        return Answer(request, sent, time.time(), response.status_code, retry_after, password)

    def _post(self, request: Request) -> requests.Response:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        headers = {"Idempotency-Key": request.key} if request.key else {}
        url = f"{self._url}/auth/{request.kind}"
        return session.post(url, json=request.body, headers=headers, timeout=CLIENT_TIMEOUT_SECONDS)


def statuses(answers: list[Answer]) -> dict[int, int]:
    """Count answers by status."""
    return dict(Counter(answer.status for answer in answers))


def operation(answer: Answer) -> Operation:
    """Return a registration as the history records it."""
    outcome = outcome_of_registration(answer.status)
    return Operation("register", answer.request.phone, answer.sent, answer.done, outcome)


def registration_gap(registrations: list[Answer], injected: float) -> float:
    """Return the longest time (seconds) between two successful registrations that a fault at `injected` caused.

    Only gaps that begin within the limit of a failover count: later the lost member joins, which can block commits.
    """
    done = sorted(answer.done for answer in registrations if answer.ok)
    pairs = [pair for pair in itertools.pairwise(done) if pair[1] > injected and pair[0] < injected + FAILOVER_SECONDS]
    return max(after - before for before, after in pairs)


def outside(failed: list[Answer], start: float, end: float) -> list[Answer]:
    """Return the failures that were not answered between `start` and `end`, given the time that a request takes."""
    return [answer for answer in failed if not start <= answer.done <= end + REQUEST_SECONDS]
