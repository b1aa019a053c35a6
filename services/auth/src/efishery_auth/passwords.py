"""Passwords: made here, kept only as Argon2id hashes (RFC 9106)."""

import os
import secrets
import string
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI")))  # none that look alike
LENGTH = 20  # of 57 signs: 116 bits; and the least that an operator may choose
LONGEST = 128  # that a login accepts: hashing takes longer for more

# What is drawn from 112 bits and more needs no slow hash (NIST SP 800-63B, section 5.1.2.2); see ADR 60.
_hasher = PasswordHasher(time_cost=1, memory_cost=9 * 1024, parallelism=1)
_NOBODY = _hasher.hash(secrets.token_hex())
# A processor stays free: who talks to the database waits for answers of milliseconds, not behind hashes. Who waits for
# a hash has it in turn: a semaphore would let some wait for seconds on a busy machine.
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
