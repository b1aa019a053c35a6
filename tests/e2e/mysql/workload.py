"""The workload during each fault: SQL writes and reads from a pod of the mesh, and registrations at the API."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.e2e.cluster import wait_for
from tests.e2e.mysql.history import Operation, longest_gap, outcome_of_registration
from tests.e2e.mysql.members import API_PHONES, Contents
from tests.e2e.mysql.release import NAMESPACE, Release, client_pod

SQL_CLIENT = Path(__file__).with_name("sql_client.py")
WRITERS, READERS = 2, 4
SECONDS_BETWEEN_REGISTRATIONS = 0.5


class Workload:
    """One run of the workload. `id` is in the key of every row that it writes."""

    def __init__(self, release: Release, url: str, log: Path) -> None:
        """`url` is the gateway's; `log` is the file that gets each answer of the API before the next request."""
        self.id = secrets.token_hex(4)
        self.started = self.ended = 0.0
        self.operations: list[Operation] = []
        self._release = release
        self._pod = f"workload-{self.id}"
        self._registrations = RegistrationClient(url, self.id, log)

    @contextmanager
    def running(self) -> Iterator["Workload"]:
        """Write and read until the block ends, also by an exception; then `operations` is complete."""
        self._start()
        try:
            with self._registrations.running():
                yield self
        finally:
            self._stop()
            self.operations = parse_log(self._log(), self.id) + self._registrations.operations
            self._release.core.delete_namespaced_pod(self._pod, NAMESPACE, grace_period_seconds=0)

    def acknowledged(self) -> int:
        """Count the acknowledged writes and registrations."""
        return sum(operation.outcome == "ok" for operation in self.operations if operation.kind != "read")

    def reads(self) -> list[Operation]:
        """Return the reads that succeeded."""
        return [read for read in self.operations if (read.kind, read.outcome) == ("read", "ok")]

    def read_gap(self) -> float:
        """Return the longest time (seconds) without a successful read."""
        return longest_gap([read.done for read in self.reads()], self.started, self.ended)

    def write_gap(self, contents: Contents) -> float:
        """Return the longest time (seconds) between the timestamps of two rows, or between two acknowledgements.

        A row's timestamp is the start of its statement: timestamps alone would hide the time that a commit waited.
        """
        rows = contents.times.get(self.id, [])
        acknowledged = [each.done for each in self.operations if (each.kind, each.outcome) == ("write", "ok")]
        return max(longest_gap(times, self.started, self.ended) for times in (rows, acknowledged))

    def _start(self) -> None:
        tls = self._release.has_secret("mysql-tls")
        environment = {
            "WORKLOAD_ID": self.id,
            "WORKLOAD_USER": "efishery",
            "WORKLOAD_DATABASE": "efishery",
            "WORKLOAD_CA": "/etc/mysql-tls/ca.crt" if tls else "",
            "WORKLOAD_WRITERS": str(WRITERS),
            "WORKLOAD_READERS": str(READERS),
        }
        pod = client_pod(self._pod, self._release.auth_image(), SQL_CLIENT.read_text(), environment, tls=tls)
        self._release.core.create_namespaced_pod(NAMESPACE, pod, _request_timeout=10)
        wait_for("the first write and read of the SQL client", self._has_begun, 90)
        self.started = time.time()

    def _has_begun(self) -> bool:
        phase = self._release.core.read_namespaced_pod(self._pod, NAMESPACE, _request_timeout=10).status.phase
        if phase == "Pending":
            return False
        log = self._log()
        assert phase == "Running", f"the SQL client ended: {log}"
        succeeded = {operation.kind for operation in parse_log(log, self.id) if operation.outcome == "ok"}
        return succeeded == {"write", "read"}

    def _stop(self) -> None:
        self.ended = time.time()
        self._release.kubectl("exec", self._pod, "-c", "main", "--", "sh", "-c", "kill -TERM 1")
        wait_for("the SQL client to end", self._has_ended, 60)

    def _has_ended(self) -> bool:
        pod = self._release.core.read_namespaced_pod(self._pod, NAMESPACE, _request_timeout=10)
        return any(each.name == "main" and each.state.terminated for each in pod.status.container_statuses or [])

    def _log(self) -> str:
        log: str = self._release.core.read_namespaced_pod_log(
            self._pod, NAMESPACE, container="main", _request_timeout=30
        )
        return log


def parse_log(log: str, workload: str) -> list[Operation]:
    """Parse the SQL client's output. Raises ValueError for any other line, such as one of a traceback."""
    lines = [json.loads(line) for line in log.splitlines()]
    return [Operation(kind, f"{workload}/{number}", *rest) for kind, number, *rest in lines]


class RegistrationClient:
    """Registers users at the API one after the other, each with a new phone."""

    def __init__(self, url: str, workload: str, log: Path) -> None:
        self.operations: list[Operation] = []
        self._url = f"{url}/auth/register"
        self._name = f"Workload {workload}"
        self._first = f"{API_PHONES}{int(workload, 16) % 10**5:05d}"
        self._log = log
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
        with self._log.open("a") as log:
            number = 0
            while not self._ending.wait(SECONDS_BETWEEN_REGISTRATIONS):
                operation = self._register(session, f"{self._first}{number:06d}")
                self.operations.append(operation)
                log.write(json.dumps(vars(operation)) + "\n")
                log.flush()
                number += 1

    def _register(self, session: requests.Session, phone: str) -> Operation:
        sent = time.time()
        try:
            response = session.post(self._url, json={"name": self._name, "phone": phone}, timeout=20)
        except requests.RequestException as error:
            return Operation("register", phone, sent, time.time(), "unknown", type(error).__name__)
        detail = f"{response.status_code} Retry-After={response.headers.get('Retry-After')}"
        outcome = outcome_of_registration(response.status_code)
        return Operation("register", phone, sent, time.time(), outcome, detail)
