"""Passwords: generated here or chosen by their owner, kept only as Argon2id hashes (RFC 9106; ADR 60 and 66).

Generated passwords are random, so their hash is quick; chosen ones get a slow hash. The parameters in a hash tell the
two kinds apart. All passwords are compared in Unicode's form NFC, since devices send one character in several forms.
"""

import secrets
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import BoundedSemaphore
from typing import ParamSpec, TypeVar
from unicodedata import normalize

from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from prometheus_client import Gauge, Histogram

ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI")))  # none that look alike
LENGTH = 20  # of 57 characters: 116 bits; and the least that an operator may choose
MAX_LENGTH = 128  # that a login accepts: hashing takes longer for more
QUICK_KIB = 9 * 1024  # memory of the hash of a generated password
CHOSEN_KIB = 19 * 1024  # memory and passes of that of a chosen one: OWASP, Password Storage Cheat Sheet
CHOSEN_PASSES = 2
LEAST_CHOSEN_KIB = 12 * 1024  # more than QUICK_KIB, which tells the kinds apart
HASH_QUEUE = 64  # requests that may wait for a worker: two seconds at 30 ms for a wrong password

QUEUE = Gauge("auth_password_hash_requests", "Requests that wait for a password hash, or whose hash is computed")
SECONDS = Histogram("auth_password_hash_duration_seconds", "Time to hash or verify, waiting included", ["operation"])

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


def nfc(password: str) -> str:
    """Return the password in Unicode's form NFC (RFC 8265, section 4.2.2)."""
    return normalize("NFC", password)


class HashPool:
    """Hashes and verifies passwords, in a bounded number of threads with a bounded queue.

    So a burst of anonymous requests takes at most `workers` CPUs and `workers` × `chosen_kib`. All methods but
    `is_outdated` raise HashQueueFull.
    """

    def __init__(
        self,
        workers: int = 1,
        queue: int = HASH_QUEUE,
        *,
        chosen_kib: int = CHOSEN_KIB,
        chosen_passes: int = CHOSEN_PASSES,
    ) -> None:
        # What has 112 bits of entropy and more needs no slow hash (NIST SP 800-63B, section 5.1.2.2).
        self._quick = PasswordHasher(time_cost=1, memory_cost=QUICK_KIB, parallelism=1)
        self._chosen = PasswordHasher(time_cost=chosen_passes, memory_cost=chosen_kib, parallelism=1)
        self._hashes_of_nobody = tuple(hasher.hash(secrets.token_hex()) for hasher in (self._quick, self._chosen))
        self._threads = ThreadPoolExecutor(workers, "hash")
        self._slots = BoundedSemaphore(workers + queue)

    def hash(self, password: str) -> str:
        """Hash a generated password with a salt of its own, in the PHC string format."""
        return self.run("hash", self._quick.hash, nfc(password))

    def hash_chosen(self, password: str) -> str:
        """Hash a password that a person chose."""
        return self.run("hash_chosen", self._chosen.hash, nfc(password))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether the password is right; for None, no user, return False.

        False takes the time of one hash of each kind, so it does not show whether there is a user, nor which kind of
        password it is. True takes that of its own kind alone.
        """
        return self.run("verify", self._verify, password_hash, nfc(password))

    def verify_dummy(self, password_hash: str, password: str) -> None:
        """Take the time that `verify` would have taken in addition, had it returned False; skip it if many wait."""
        with suppress(HashQueueFull):
            self.run("verify_dummy", self._verify_other_kinds, password_hash, nfc(password))

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether this is the hash of a chosen password, with less memory or passes than are set now."""
        stored = _parameters(password_hash)
        if stored is None or not _is_chosen(stored):
            return False
        return stored.memory_cost < self._chosen.memory_cost or stored.time_cost < self._chosen.time_cost

    def run(self, operation: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `function` returns, run by a worker; for other work that takes much CPU."""
        self._acquire_slot()
        try:
            with QUEUE.track_inprogress(), SECONDS.labels(operation).time():
                return self._threads.submit(function, *args, **kwargs).result()
        finally:
            self._slots.release()

    def raise_if_full(self) -> None:
        """Raise HashQueueFull if no slot is free now, for those who have other work to do before they need one."""
        self._acquire_slot()
        self._slots.release()

    def _acquire_slot(self) -> None:
        if not self._slots.acquire(blocking=False):
            raise HashQueueFull

    def _verify(self, password_hash: str | None, password: str) -> bool:
        if password_hash is not None and self._matches(password_hash, password):
            return True
        self._verify_other_kinds(password_hash, password)
        return False

    def _verify_other_kinds(self, password_hash: str | None, password: str) -> None:
        stored = _parameters(password_hash)
        for nobody, is_chosen in zip(self._hashes_of_nobody, (False, True), strict=True):
            if stored is None or _is_chosen(stored) != is_chosen:
                self._matches(nobody, password)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._quick.verify(password_hash, password)  # with the parameters that the hash names
        except (VerificationError, InvalidHashError):
            return False


def _parameters(password_hash: str | None) -> Parameters | None:
    try:
        return extract_parameters(password_hash) if password_hash else None
    except InvalidHashError:
        return None


def _is_chosen(parameters: Parameters) -> bool:
    return parameters.memory_cost > QUICK_KIB
