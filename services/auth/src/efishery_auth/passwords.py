"""Passwords: made here, kept only as Argon2id hashes (RFC 9106)."""

import os
import secrets
import string
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI")))  # none that look alike
LENGTH = 16  # of 57 signs: 93 bits
LONGEST = 128  # that a login accepts: hashing takes longer for more

# One of the settings that OWASP's Password Storage Cheat Sheet calls equal: of them, this was the fastest with a
# processor's cache, and 9 MiB a login fit in a small pod for all threads at once.
_hasher = PasswordHasher(time_cost=4, memory_cost=9 * 1024, parallelism=1)
_NOBODY = _hasher.hash(secrets.token_hex())
# A processor stays free: who talks to the database waits for answers of milliseconds, not behind hashes. Who waits for
# a hash has it in turn: a semaphore would let some wait for ever on a busy machine.
_in_turn = ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)) - 1), "hash")


def generate() -> str:
    """Make a new random password."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def hash_password(password: str) -> str:
    """Hash a password with a salt of its own, in the PHC string format."""
    return _in_turn.submit(_hasher.hash, password).result()


def verify(password_hash: str | None, password: str) -> bool:
    """Tell whether the password is right; for nobody's hash (None) it takes as long and is wrong."""
    try:
        return _in_turn.submit(_hasher.verify, password_hash or _NOBODY, password).result()
    except (VerificationError, InvalidHashError):
        return False
