"""The private key that signs tokens."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def read_signing_key(path: Path) -> RSAPrivateKey:
    """Read the RSA private key from PEM. Raises ValueError naming the file."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: no unencrypted private key in PEM: {error}") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(f"{path}: RS256 needs an RSA key, this is {type(key).__name__}")  # noqa: TRY004 -- wrong content of a file
    return key
