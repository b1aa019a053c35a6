"""The ledger: clients that write unique rows all the time, what they were told, and whether the members agree."""

import itertools
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.e2e.cluster import wait_for
from tests.e2e.mysql.members import API_PHONES, Contents
from tests.e2e.mysql.release import NAMESPACE, Release, attempts_of, client_pod

CLIENT = Path(__file__).with_name("client.py")
WRITERS, READERS = 2, 4
REGISTRATION_EACH_SECONDS = 0.5


@dataclass(frozen=True)
class Attempt:
    """One thing that a client tried: its key in the database, when (epoch seconds), and what it was told."""

    kind: str
    key: str
    sent: float
    done: float
    outcome: str
    """`ok`: acknowledged; `refused`: certainly not done; `unknown`: it may have been done."""
    detail: str = ""


@dataclass
class Books:
    """All that was ever tried, of this run and those before it."""

    tried: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def enter(self, attempts: list[Attempt]) -> None:
        """Take up the writes among these."""
        for attempt in attempts:
            if attempt.kind == "r":
                continue
            self.tried.add(attempt.key)
            if attempt.outcome == "ok":
                self.acknowledged.add(attempt.key)
            elif attempt.outcome == "refused":
                self.refused.add(attempt.key)

    def lost(self, contents: list[Contents]) -> set[str]:
        """Answer what was acknowledged and is missing from any member."""
        return {key for each in contents for key in self.acknowledged - each.keys}

    def unexpected(self, contents: list[Contents]) -> set[str]:
        """Answer what any member has that nobody wrote, or that was refused."""
        return {key for each in contents for key in each.keys - (self.tried - self.refused)}


def longest_gap(moments: list[float], start: float, end: float) -> float:
    """Answer the longest time (seconds) between neighbours, from `start` to `end`."""
    inside = sorted(moment for moment in moments if start < moment < end)
    points = [start, *inside, end]
    return max(after - before for before, after in itertools.pairwise(points))


class Ledger:
    """One run: a client pod with writers and readers, and a client of the registration API outside the cluster."""

    def __init__(self, release: Release, url: str, notes: Path) -> None:
        """`notes` is the file in which each answer of the API is written down before the next request."""
        self.run = secrets.token_hex(4)
        self.started = self.ended = 0.0
        self.attempts: list[Attempt] = []
        self._release = release
        self._pod = f"ledger-{self.run}"
        self._registrations = Registrations(url, self.run, notes)

    @contextmanager
    def running(self) -> Iterator["Ledger"]:
        """Write and read until the block ends, in whatever way; then `attempts` has what every client was told."""
        self._start()
        try:
            with self._registrations.running():
                yield self
        finally:
            self._stop()
            self.attempts = self._sql_attempts() + self._registrations.attempts
            self._release.core.delete_namespaced_pod(self._pod, NAMESPACE, grace_period_seconds=0)

    def acknowledged(self) -> int:
        """Count the writes of this run that were acknowledged."""
        return sum(attempt.outcome == "ok" for attempt in self.attempts if attempt.kind != "r")

    def reads(self) -> list[Attempt]:
        """Answer the reads of this run that got an answer."""
        return [attempt for attempt in self.attempts if attempt.kind == "r" and attempt.outcome == "ok"]

    def read_gap(self) -> float:
        """Answer the longest time (seconds) in which no reader got an answer."""
        return longest_gap([read.done for read in self.reads()], self.started, self.ended)

    def write_gap(self, contents: Contents) -> float:
        """Answer the longest time (seconds) without a row, by the rows' own timestamps, or an acknowledgement.

        A row has the time at which its statement began: one that waited for long hides that nobody could write.
        """
        rows = contents.times.get(self.run, [])
        acknowledged = [attempt.done for attempt in self.attempts if (attempt.kind, attempt.outcome) == ("w", "ok")]
        return max(longest_gap(moments, self.started, self.ended) for moments in (rows, acknowledged))

    def _start(self) -> None:
        tls = self._release.has_secret("mysql-tls")
        environment = {
            "LEDGER_RUN": self.run,
            "LEDGER_USER": "efishery",
            "LEDGER_DATABASE": "efishery",
            "LEDGER_CA": "/etc/mysql-tls/ca.crt" if tls else "",
            "LEDGER_WRITERS": str(WRITERS),
            "LEDGER_READERS": str(READERS),
        }
        pod = client_pod(self._pod, self._release.auth_image(), CLIENT.read_text(), environment, tls=tls)
        self._release.core.create_namespaced_pod(NAMESPACE, pod, _request_timeout=10)
        wait_for("the first rows and reads", self._has_begun, 90)
        self.started = time.time()

    def _has_begun(self) -> bool:
        phase = self._release.core.read_namespaced_pod(self._pod, NAMESPACE, _request_timeout=10).status.phase
        if phase == "Pending":
            return False
        log = self._log()
        assert phase == "Running", f"the ledger's client ended: {log}"
        return {("w", "ok"), ("r", "ok")} <= {(kind, outcome) for kind, _, _, _, outcome, _ in attempts_of(log)}

    def _stop(self) -> None:
        self.ended = time.time()
        self._release.kubectl("exec", self._pod, "-c", "main", "--", "sh", "-c", "kill -TERM 1")
        wait_for("the ledger's client to end", self._has_ended, 60)

    def _has_ended(self) -> bool:
        pod = self._release.core.read_namespaced_pod(self._pod, NAMESPACE, _request_timeout=10)
        return any(each.name == "main" and each.state.terminated for each in pod.status.container_statuses or [])

    def _log(self) -> str:
        log: str = self._release.core.read_namespaced_pod_log(
            self._pod, NAMESPACE, container="main", _request_timeout=30
        )
        return log

    def _sql_attempts(self) -> list[Attempt]:
        return [
            Attempt(kind, f"{self.run}/{number}", sent, done, outcome, detail)
            for kind, number, sent, done, outcome, detail in attempts_of(self._log())
        ]


def outcome(status: int) -> str:
    """Answer what an HTTP status of a registration means for its row."""
    if status == 201:
        return "ok"
    # 409 is what a repeated statement may say of its own first try: the row may be there.
    return "refused" if 400 <= status < 500 and status != 409 else "unknown"


class Registrations:
    """Registers users at the API, one after the other, each with a phone of its own."""

    def __init__(self, url: str, run: str, notes: Path) -> None:
        self.attempts: list[Attempt] = []
        self._url = url
        self._name = f"Ledger {run}"
        self._first = f"{API_PHONES}{int(run, 16) % 10**5:05d}"
        self._notes = notes
        self._ending = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Register users until the end of the block."""
        thread = threading.Thread(target=self._register_users, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ending.set()
            thread.join(30)

    def _register_users(self) -> None:
        session = requests.Session()
        with self._notes.open("a") as notes:
            number = 0
            while not self._ending.wait(REGISTRATION_EACH_SECONDS):
                attempt = self.register(session, f"{self._first}{number:06d}")
                self.attempts.append(attempt)
                notes.write(json.dumps(vars(attempt)) + "\n")
                notes.flush()
                number += 1

    def register(self, session: requests.Session, phone: str) -> Attempt:
        """Send one registration; 201 acknowledges it, another 4xx refuses it, and the rest leaves it open."""
        sent = time.time()
        try:
            response = session.post(f"{self._url}/auth/register", json={"name": self._name, "phone": phone}, timeout=20)
        except requests.RequestException as error:
            return Attempt("api", phone, sent, time.time(), "unknown", type(error).__name__)
        detail = f"{response.status_code} Retry-After={response.headers.get('Retry-After')}"
        return Attempt("api", phone, sent, time.time(), outcome(response.status_code), detail)
