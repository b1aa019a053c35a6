"""A rotation of the signing key on the cluster, under load: no valid token is refused, and the former key ends.

Its waits are shorter than an operator's, so the test itself waits where the rotation relies on time: until every proxy
and every pod accepts the new key. When all pods sign with it, the test sets the time of the activation back.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import jwt
import pytest

from efishery_auth.signing_secret import ACTIVATED_AT, describe
from servicekit.secret_api import SecretContent
from servicekit.serialization import rfc3339
from tests.e2e.cluster import NAMESPACE, RELEASE, Cluster, run, unique_name, wait_for
from tests.e2e.conftest import Gateway, Headers
from tests.load.comparison import normal_load

CRONJOB = "auth-key-rotation"
SECRET = "auth-signing-key"
PATHS = ("/auth/claims", "/fetch/claims")
REQUESTS_PER_SECOND = 50
LOAD_SECONDS = 10  # between two logins
EVERY_POD = 24  # requests that reach each of a few pods
SHORT_TIMES = ["--publish-seconds=0", "--access-seconds=0"]


class Keys:
    """The Secret with the signing key, and the CronJob that rotates it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def content(self) -> SecretContent:
        data = {key: value.encode() for key, value in self._cluster.secret(SECRET).items()}
        return SecretContent(data, {})

    def kids(self) -> dict[str, str]:
        return {key.role: key.kid for key in describe(self.content())}

    def settle(self) -> bool:
        """Take the next step of a rotation, if there is one; tell whether there is none any more."""
        if self.kids().keys() != {"signs"}:
            self.run(*SHORT_TIMES)
        return self.kids().keys() == {"signs"}

    def set_activation_back(self, by: timedelta) -> None:
        """Set the time of the activation back."""
        secret = self._cluster.core.read_namespaced_secret(SECRET, NAMESPACE)
        activated = datetime.fromisoformat(secret.metadata.annotations[ACTIVATED_AT])
        annotations = {ACTIVATED_AT: rfc3339(activated - by)}
        self._cluster.core.patch_namespaced_secret(SECRET, NAMESPACE, {"metadata": {"annotations": annotations}})

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run the CronJob's Job once with other arguments for `keys rotate`; return the line that it logged."""
        template = self._cluster.batch.read_namespaced_cron_job(CRONJOB, NAMESPACE).spec.job_template
        template.spec.template.spec.containers[0].args += arguments
        name = unique_name()
        body = {"metadata": {"name": name}, "spec": template.spec}
        self._cluster.batch.create_namespaced_job(NAMESPACE, body)
        try:
            self._cluster.wait_for_job(name)
            (pod,) = self._cluster.core.list_namespaced_pod(NAMESPACE, label_selector=f"job-name={name}").items
            log: str = self._cluster.core.read_namespaced_pod_log(pod.metadata.name, NAMESPACE, container=CRONJOB)
            lines: list[dict[str, Any]] = [json.loads(line) for line in log.splitlines()]
            return next(line for line in lines if line["event"] in ("key_rotated", "key_rotation_not_due"))
        finally:
            self._cluster.delete_job(name)


@pytest.fixture
def keys(cluster: Cluster) -> Iterator[Keys]:
    """The keys in the steady state, and no run but those of the test."""
    with cluster.suspended_cronjob(CRONJOB):
        keys = Keys(cluster)
        wait_for("the end of a rotation that is under way", keys.settle, 400)
        yield keys


def signed(claims: dict[str, Any], kid: str, key: bytes) -> Headers:
    """Sign a token that is valid for an hour, as only somebody with the private key can."""
    payload = claims | {"exp": int(time.time()) + 3600}
    return {"Authorization": f"Bearer {jwt.encode(payload, key, 'RS256', headers={'kid': kid})}"}


def statuses(gateway: Gateway, headers: Headers) -> set[int]:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda path: gateway.get(path, headers).status_code, PATHS * EVERY_POD)
    return set(answers)


def seconds_until(what: str, status: int, gateway: Gateway, headers: Headers) -> float:
    """Return how long it takes until every pod and proxy answers a token with `status`."""
    began = time.monotonic()
    wait_for(what, lambda: statuses(gateway, headers) == {status}, 300)
    return time.monotonic() - began


@contextmanager
def load(gateway: Gateway, log_in: Callable[[], Headers]) -> Iterator[list[str]]:
    """Send requests with a token of the first login and with new ones, at a steady rate, until the block ends."""
    first, stop = log_in(), Event()
    failures: list[str] = []

    def send() -> None:
        while not stop.is_set():
            tokens = (first, log_in())
            requests = [{"method": "GET", "path": path, "headers": token} for token in tokens for path in PATHS]
            failures.extend(normal_load(gateway.url, requests, LOAD_SECONDS, REQUESTS_PER_SECOND)["failures"])

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        try:
            yield failures
        finally:
            stop.set()
        sending.result()


@pytest.mark.timeout(900)
def test_a_rotation_refuses_no_valid_token(
    gateway: Gateway, keys: Keys, registered: dict[str, Any], repository: Path
) -> None:
    def log_in() -> Headers:
        return gateway.login(registered["phone"], registered["password"])

    def kid_of(headers: Headers) -> str:
        kid: str = jwt.get_unverified_header(headers["Authorization"].removeprefix("Bearer "))["kid"]
        return kid

    claims = gateway.get("/auth/claims", log_in()).json()["data"]
    former, leaked = keys.kids()["signs"], keys.content().data["tls.key"]
    of_former = signed(claims, former, leaked)
    with load(gateway, log_in) as failures:
        assert keys.run("--now")["step"] == "publish"
        new = keys.kids()["published"]
        of_new = signed(claims, new, keys.content().data["next.key"])
        accepted = seconds_until("all to accept the new key", 200, gateway, of_new)

        before = keys.content()
        upgrade = ["helm", "upgrade", RELEASE, "charts/efishery", "--namespace", NAMESPACE, "--reuse-values"]
        run(repository, *upgrade, "--no-hooks", "--wait", "--timeout", "5m", seconds=320)
        assert keys.content() == before, "an upgrade keeps a rotation"

        assert keys.run()["event"] == "key_rotation_not_due"
        activated = keys.run(*SHORT_TIMES)
        assert activated["step"] == "activate"
        assert keys.kids() == {"signs": new, "accepted": former}
        began = time.monotonic()
        wait_for(
            "all pods to sign with the new key", lambda: {kid_of(log_in()) for _ in range(EVERY_POD)} == {new}, 300
        )
        signing = time.monotonic() - began
        assert statuses(gateway, of_former) == {200}
    assert failures == []

    with load(gateway, log_in) as failures:
        assert keys.run(*SHORT_TIMES)["event"] == "key_rotation_not_due"
        keys.set_activation_back(datetime.fromisoformat(activated["next_step_at"]) - datetime.now(UTC))
        assert keys.run(*SHORT_TIMES)["step"] == "retire"
        refused = seconds_until("all to refuse the former key", 401, gateway, of_former)
    assert failures == []
    assert keys.kids() == {"signs": new}
    print(  # noqa: T201 -- the measurement that docs/adr/0061 reports
        f"\nnew key accepted everywhere {accepted:.0f} s after its publication; all pods signed with it {signing:.0f} s"
        f" after its activation; former key refused everywhere {refused:.0f} s after its retirement"
    )
