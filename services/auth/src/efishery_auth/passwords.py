"""Passwords: made here, kept only as Argon2id hashes (RFC 9106)."""

import secrets
import string

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI")))  # none that look alike
LENGTH = 16  # of 57 signs: 93 bits
LONGEST = 128  # that a login accepts: hashing takes longer for more

# The parameters that OWASP's Password Storage Cheat Sheet recommends: 19 MiB a login, so that all
# threads at once fit in a small pod.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY = _hasher.hash(secrets.token_hex())


def generate() -> str:
    """Make a new random password."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def hash_password(password: str) -> str:
    """Hash a password with a salt of its own, in the PHC string format."""
    return _hasher.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """Tell whether the password is right; for nobody's hash (None) it takes as long and is wrong."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
