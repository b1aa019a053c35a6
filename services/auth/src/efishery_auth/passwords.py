"""Passwords: generated here, kept only as Argon2id hashes (RFC 9106)."""

import secrets
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from prometheus_client import Gauge, Histogram

ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI")))  # none that look alike
LENGTH = 20  # of 57 characters: 116 bits; and the least that an operator may choose
MAX_LENGTH = 128  # that a login accepts: hashing takes longer for more
HASH_KIB = 9 * 1024  # memory of one hash
HASH_QUEUE = 64  # requests that may wait for a worker: less than a second at 7 ms a hash

QUEUE = Gauge("auth_password_hash_requests", "Requests that wait for a password hash, or whose hash is computed")
SECONDS = Histogram("auth_password_hash_duration_seconds", "Time to hash or verify, waiting included", ["operation"])

# What has 112 bits of entropy and more needs no slow hash (NIST SP 800-63B, section 5.1.2.2); see ADR 60.
_argon2id = PasswordHasher(time_cost=1, memory_cost=HASH_KIB, parallelism=1)
_HASH_OF_NOBODY = _argon2id.hash(secrets.token_hex())

P = ParamSpec("P")
T = TypeVar("T")


class HashQueueFull(Exception):
    """As many requests wait for a password hash as may."""


def generate() -> str:
    """Return a new random password."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def from_digest(digest: bytes) -> str:
    """Return a password made of a digest of 256 bits, the same for the same digest."""
    number, characters = int.from_bytes(digest), []
    for _ in range(LENGTH):
        number, index = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[index])
    return "".join(characters)


class HashPool:
    """Hashes and verifies passwords, in a bounded number of threads with a bounded queue.

    So a burst of anonymous requests takes at most `workers` CPUs and `workers` × 9 MiB. Both methods raise
    HashQueueFull.
    """

    def __init__(self, workers: int = 1, queue: int = HASH_QUEUE) -> None:
        self._threads = ThreadPoolExecutor(workers, "hash")
        self._places = BoundedSemaphore(workers + queue)

    def hash(self, password: str) -> str:
        """Hash a password with a salt of its own, in the PHC string format."""
        return self._run("hash", _argon2id.hash, password)

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password is right; for None, no user, return False after the same time."""
        try:
            return self._run("verify", _argon2id.verify, password_hash or _HASH_OF_NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False

    def _run(self, operation: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if not self._places.acquire(blocking=False):
            raise HashQueueFull
        try:
            with QUEUE.track_inprogress(), SECONDS.labels(operation).time():
                return self._threads.submit(function, *args, **kwargs).result()
        finally:
            self._places.release()
