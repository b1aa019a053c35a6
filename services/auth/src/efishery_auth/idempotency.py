"""Idempotency-Key on registration (draft-ietf-httpapi-idempotency-key-header): see ADR 56.

The password of such a registration is derived from the key and the request, so that a repeated one can be recognised
by the stored hash and answered with the same password, while neither the key nor the password is stored.
"""

import hmac
import json
import re
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from efishery_auth import passwords

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[A-Za-z0-9._-]{16,128}")


def parse_key(header: str) -> str:
    """Return the key in the header. Raises ValueError when it is none."""
    key = header.strip()
    if len(key) > 2 and key[0] == key[-1] == '"':  # the draft quotes it; clients often do not
        key = key[1:-1]
    if not _KEY.fullmatch(key):
        raise ValueError(
            "must be 16 to 128 letters, digits, '-', '_' or '.', new and random for each registration, such as a UUID"
        )
    return key


def derivation_secret(signing_key: RSAPrivateKey) -> bytes:
    """Return 32 bytes that only holders of the signing key can compute (HKDF, RFC 5869)."""
    numbers = signing_key.private_numbers()
    material = numbers.d.to_bytes((numbers.d.bit_length() + 7) // 8)
    return HKDF(SHA256(), length=32, salt=None, info=b"efishery-auth registration password").derive(material)


def derive_password(secret: bytes, key: str, *, name: str, phone: str, role: str) -> str:
    """Return the password of the registration with this key and these fields."""
    request = json.dumps([key, name, phone, role]).encode()
    return passwords.from_digest(hmac.digest(secret, request, sha256))
