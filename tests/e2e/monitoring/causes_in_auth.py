"""What makes the alerts on auth fire."""

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event

import requests
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from tests.e2e.cluster import NAMESPACE, Cluster
from tests.e2e.conftest import Gateway, Headers
from tests.e2e.monitoring.causes_in_fetch import scaled_to
from tests.e2e.monitoring.outcomes import Alert, Cause, Observer
from tests.e2e.mysql.harness import Harness

CHOSEN = "a long and chosen password"  # whose hash takes longer than that of a generated one
CLIENTS = 110  # at the same time; one pod hashes one password and has a queue of 64
LOCKED_SESSIONS = 24
LOCK_AFTER = 5  # wrong passwords
KEY_AGE = timedelta(days=100)  # the rotation is due after 90


@dataclass(frozen=True)
class AuthCauses:
    """The faults of auth: its load, its tables, its key."""

    cluster: Cluster
    gateway: Gateway
    harness: Harness
    new_phone: Callable[[], str]

    def run(self, observer: Observer) -> None:
        """Cause one after the other."""
        observer.observe(
            Cause("wrong passwords in 24 sessions", self._wrong_passwords, (Alert("AuthLockouts"),)),
        )
        observer.observe(
            Cause("the table of the audit log renamed", self._table_renamed, (Alert("AuthDatabaseErrors"),)),
        )
        of_auth = (("app_kubernetes_io_name", "auth"),)
        observer.observe(
            Cause(
                f"{CLIENTS} clients log in to one pod of auth",
                self._logins,
                (Alert("AuthHashQueueFills"), Alert("AuthUnavailable"), Alert("SlowRequests", of_auth)),
            ),
        )

    def age_key(self, observer: Observer) -> None:
        """Make the certificate of the signing key begin earlier."""
        with self.cluster.suspended_cronjob("auth-key-rotation"):
            cause = Cause(
                "a signing key of 100 days, its rotation suspended", self._old_key, (Alert("KeyRotationFails"),)
            )
            observer.observe(cause, fire_seconds=240)

    @contextmanager
    def _wrong_passwords(self) -> Iterator[None]:
        # Of sessions, which are locked one by one: those of logins would lock the tests' own address.
        phone, password = self._register()
        sessions = [self.gateway.login(phone, password) for _ in range(LOCKED_SESSIONS)]
        form = {"current_password": "wrong", "new_password": CHOSEN}

        def attempt(session: Headers, times: int) -> int:
            answers = [self.gateway.request("PUT", "/auth/password", json=form, headers=session) for _ in range(times)]
            return answers[-1].status_code

        with ThreadPoolExecutor(6) as threads:
            # All locks have to be within the alert's range, so each session is first brought to one before its lock.
            list(threads.map(lambda session: attempt(session, LOCK_AFTER - 1), sessions))
            statuses = list(threads.map(lambda session: attempt(session, 2), sessions))
        assert set(statuses) == {429}, statuses
        yield

    @contextmanager
    def _table_renamed(self) -> Iterator[None]:
        first = self.cluster.secret("auth-first-admin")
        admin = self.gateway.login(first["phone"], first["password"])
        primary = self.harness.admin(self.harness.primary().pod)
        primary.query("RENAME TABLE efishery.audit_events TO efishery.audit_events_away")
        try:
            assert self.gateway.get("/auth/audit", admin).status_code == 500
            yield
        finally:
            primary.query("RENAME TABLE efishery.audit_events_away TO efishery.audit_events")

    @contextmanager
    def _logins(self) -> Iterator[None]:
        phone, password = self._register()
        session = self.gateway.login(phone, password)
        form = {"current_password": password, "new_password": CHOSEN}
        assert self.gateway.request("PUT", "/auth/password", json=form, headers=session).status_code == 200
        stop = Event()

        def log_in() -> None:
            body = {"phone": phone, "password": CHOSEN}
            with requests.Session() as client:
                while not stop.is_set():
                    # The gateway may close an idle connection just when a request is sent on it.
                    with suppress(requests.ConnectionError):
                        if client.post(f"{self.gateway.url}/auth/login", json=body, timeout=30).status_code == 200:
                            continue
                    stop.wait(0.3)  # after 503, and 429 of the gateway

        with scaled_to(self.cluster, "auth", 1), ThreadPoolExecutor(CLIENTS) as threads:
            clients = [threads.submit(log_in) for _ in range(CLIENTS)]
            try:
                yield
            finally:
                stop.set()
                for client in clients:
                    client.result()

    @contextmanager
    def _old_key(self) -> Iterator[None]:
        before = self.cluster.secret("auth-signing-key")
        self._write_certificate(_begun_earlier(before["tls.key"], before["tls.crt"]))
        try:
            yield
        finally:
            self._write_certificate(before["tls.crt"])

    def _write_certificate(self, certificate: str) -> None:
        data = {"tls.crt": base64.b64encode(certificate.encode()).decode()}
        self.cluster.core.patch_namespaced_secret("auth-signing-key", NAMESPACE, {"data": data})
        # A change of a pod makes the kubelet look at its volumes at once, not within a minute.
        note = {"metadata": {"annotations": {"efishery.e2e/secret-changed": datetime.now(UTC).isoformat()}}}
        for pod in self.cluster.core.list_namespaced_pod(NAMESPACE, label_selector="app.kubernetes.io/name=auth").items:
            self.cluster.core.patch_namespaced_pod(pod.metadata.name, NAMESPACE, note)

    def _register(self) -> tuple[str, str]:
        answer = self.gateway.post("/auth/register", {"name": "Siti", "phone": self.new_phone()})
        assert answer.status_code == 201, answer.text
        registered = answer.json()["data"]
        return registered["phone"], registered["password"]


def _begun_earlier(key: str, certificate: str) -> str:
    """Return the certificate with the same key, which began KEY_AGE earlier."""
    former = x509.load_pem_x509_certificate(certificate.encode())
    builder = (
        x509.CertificateBuilder()
        .subject_name(former.subject)
        .issuer_name(former.issuer)
        .public_key(former.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(former.not_valid_before_utc - KEY_AGE)
        .not_valid_after(former.not_valid_after_utc)
    )
    for extension in former.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    private = load_pem_private_key(key.encode(), None)
    signed = builder.sign(private, SHA256())  # type: ignore[arg-type]  # the chart's keys are RSA
    return signed.public_bytes(Encoding.PEM).decode()
