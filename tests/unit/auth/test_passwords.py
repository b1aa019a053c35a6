import subprocess
import sys
import threading
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest
from argon2 import PasswordHasher
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from efishery_auth import passwords
from efishery_auth.passwords import HashPool, HashQueueFull
from efishery_auth.settings import MEMORY_WITHOUT_HASHES, MIB, AuthSettings


@pytest.fixture
def pool() -> HashPool:
    return HashPool(workers=1, queue=1)


def test_a_generated_password_is_long_and_plain_to_read() -> None:
    password = passwords.generate()
    assert len(password) == 20
    assert not set(password) & set("0O1lI")


def test_a_derived_password_is_like_a_generated_one() -> None:
    one, other = passwords.from_digest(b"\x01" * 32), passwords.from_digest(b"\x02" * 32)
    assert len(one) == len(other) == 20
    assert one != other
    assert set(one + other) <= set(passwords.ALPHABET)


def test_the_hash_is_argon2id_and_salted(pool: HashPool) -> None:
    one, two = pool.hash("x"), pool.hash("x")
    assert one.startswith("$argon2id$v=19$m=9216,t=1,p=1$")
    assert one != two


def test_verifies(pool: HashPool) -> None:
    hashed = pool.hash("right")
    assert pool.verify(hashed, "right")
    assert not pool.verify(hashed, "wrong")
    assert not pool.verify(None, "right")
    assert not pool.verify("no hash", "right")


def test_more_than_workers_and_queue_are_refused(pool: HashPool, monkeypatch: pytest.MonkeyPatch) -> None:
    started, go_on = threading.Semaphore(0), threading.Event()

    class Slow:
        def hash(self, _password: str) -> str:
            started.release()
            assert go_on.wait(10)
            return "hash"

    monkeypatch.setattr(pool, "_quick", Slow())
    with ThreadPoolExecutor(2) as clients:
        first = clients.submit(pool.hash, "running")
        assert started.acquire(timeout=10)
        second = clients.submit(pool.hash, "waiting")
        deadline = time.monotonic() + 10
        while (REGISTRY.get_sample_value("auth_password_hash_requests") or 0) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with pytest.raises(HashQueueFull):
            pool.hash("refused")
        with pytest.raises(HashQueueFull):
            pool.raise_if_full()
        go_on.set()
        assert first.result(10) == second.result(10) == "hash"
    pool.raise_if_full()
    assert pool.hash("after") == "hash"


@pytest.mark.parametrize(
    ("cpus", "memory", "workers"),
    [(1, 384 * MIB, 1), (4, 384 * MIB, 4), (64, 384 * MIB, 8), (64, 128 * MIB, 1), (64, 64 * 1024 * MIB, 64)],
)
def test_workers_follow_the_pods_cpus_and_fit_its_memory(
    settings: AuthSettings, cpus: int, memory: int, workers: int
) -> None:
    limited = settings.model_copy(update={"cpus": cpus, "memory_bytes": memory})
    assert limited.password_hash_workers == workers
    assert limited.model_copy(update={"hash_workers": 3}).password_hash_workers == 3
    assert workers == 1 or MEMORY_WITHOUT_HASHES + workers * passwords.CHOSEN_KIB * 1024 <= memory


def test_a_burst_takes_the_memory_of_the_workers_alone() -> None:
    script = """
import resource, threading
from efishery_auth.passwords import HashPool

def peak_kib(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

pool = HashPool(workers=2, queue=64)
pool.verify(None, "warm")
before = peak_kib()
clients = [threading.Thread(target=pool.verify, args=(None, "wrong")) for _ in range(30)]
for client in clients: client.start()
for client in clients: client.join()
print(peak_kib() - before)
"""
    grown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    assert int(grown.stdout) < 4 * passwords.CHOSEN_KIB, "30 hashes at once take 30 × 19 MiB"


def test_the_hash_of_a_chosen_password_is_slow(pool: HashPool) -> None:
    assert pool.hash_chosen("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert pool.verify(pool.hash_chosen("right"), "right")


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch, pool: HashPool) -> list[str]:
    """Return the parameters of each hash that `pool` computes to verify a password."""
    parameters: list[str] = []

    class Recorder(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 -- argon2's name
            parameters.append(str(hash).rpartition("v=19$")[2].partition("$")[0])
            return super().verify(hash, password)

    monkeypatch.setattr(pool, "_quick", Recorder(time_cost=1, memory_cost=passwords.QUICK_KIB, parallelism=1))
    return parameters


QUICK, SLOW = "m=9216,t=1,p=1", "m=19456,t=2,p=1"


def test_every_failure_takes_a_hash_of_each_kind(pool: HashPool, hashed: list[str]) -> None:
    for password_hash in (pool.hash("right"), pool.hash_chosen("right"), None, "no hash"):
        hashed.clear()
        assert not pool.verify(password_hash, "wrong")
        assert sorted(set(hashed) - {"no hash"}) == [SLOW, QUICK], password_hash
        assert len(hashed) == 2 or password_hash == "no hash"


def test_a_right_password_takes_one_hash_of_its_kind_until_it_is_refused(pool: HashPool, hashed: list[str]) -> None:
    for password_hash, one, other in ((pool.hash("right"), QUICK, SLOW), (pool.hash_chosen("right"), SLOW, QUICK)):
        hashed.clear()
        assert pool.verify(password_hash, "right")
        assert hashed == [one]
        pool.verify_dummy(password_hash, "right")
        assert hashed == [one, other]


def test_only_chosen_passwords_with_less_than_is_set_now_are_outdated(pool: HashPool) -> None:
    more_memory, more_passes = HashPool(chosen_kib=20 * 1024), HashPool(chosen_passes=3)
    generated, chosen = pool.hash("x"), pool.hash_chosen("x")
    assert more_memory.is_outdated(chosen)
    assert more_passes.is_outdated(chosen)
    assert not pool.is_outdated(chosen)
    assert not pool.is_outdated(more_memory.hash_chosen("x"))
    assert not more_memory.is_outdated(generated)
    assert not more_memory.is_outdated("no hash")


@pytest.fixture(scope="module")
def cheap() -> HashPool:
    return HashPool(chosen_kib=passwords.LEAST_CHOSEN_KIB)


@given(password=st.text(max_size=40), other=st.text(max_size=40))
@example(password="e\u0301", other="\u00e9")
@example(password="", other="\0")
@hypothesis_settings(max_examples=25)
def test_a_password_is_right_in_each_form_of_unicode_and_no_other_is(
    cheap: HashPool, password: str, other: str
) -> None:
    for password_hash in (cheap.hash(password), cheap.hash_chosen(password)):
        for form in ("NFC", "NFD"):
            assert cheap.verify(password_hash, unicodedata.normalize(form, password))
        assert cheap.verify(password_hash, other) == (passwords.nfc(password) == passwords.nfc(other))
