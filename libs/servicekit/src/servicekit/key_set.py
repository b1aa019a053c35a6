"""The public keys that verify tokens, from files in PEM."""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode
from pydantic import AfterValidator, DirectoryPath

from servicekit.errors import InvalidToken

ALGORITHM = "RS256"


def thumbprint(key: RSAPublicKey) -> str:
    """Return the JWK thumbprint of a key with SHA-256 (RFC 7638). It serves as `kid` and needs no configuration."""
    jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    canonical = json.dumps({name: jwk[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    return base64url_encode(sha256(canonical.encode()).digest()).decode()


def parse_public_key(path: Path, pem: bytes) -> RSAPublicKey:
    """Return the RSA public key in a PEM file: a certificate or a public key. Raises ValueError naming the file."""
    try:
        key: object
        if b"BEGIN CERTIFICATE" in pem:
            key = x509.load_pem_x509_certificate(pem).public_key()
        else:
            key = load_pem_public_key(pem)
    except ValueError as error:
        raise ValueError(f"{path}: contains no certificate or public key in PEM: {error}") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError(f"{path}: {ALGORITHM} needs an RSA key, not {type(key).__name__}")  # noqa: TRY004 -- the file's content is wrong, not a type
    return key


def read_public_key(path: Path) -> RSAPublicKey:
    """Read an RSA public key from a PEM file. Raises ValueError naming the file, OSError if it cannot be read."""
    return parse_public_key(path, path.read_bytes())


def mounted_files(directory: Path) -> Path:
    """Return the directory to read files from that belong together.

    In a volume of the kubelet it is the target of the link `..data`, which is replaced when a file changes; reading by
    the files' own links could mix two versions. Files in the target disappear after the next change.
    """
    data = directory / "..data"
    return data.resolve() if data.is_symlink() else directory


def read_key_files(directory: Path) -> dict[Path, bytes]:
    """Return each *.crt and *.pem in `directory`. Raises ValueError if there is none, OSError if one disappears."""
    names = sorted(path for path in mounted_files(directory).glob("*") if path.suffix in (".crt", ".pem"))
    if not names:
        raise ValueError(f"{directory}: contains no *.crt or *.pem, so no token could be verified")
    return {directory / path.name: path.read_bytes() for path in names}


class KeySet:
    """The public keys that verify accepted tokens."""

    def __init__(self, keys: Iterable[RSAPublicKey]) -> None:
        self._keys = {thumbprint(key): key for key in keys}

    @classmethod
    def from_directory(cls, directory: Path) -> "KeySet":
        """Read each *.crt and *.pem in `directory`. Raises ValueError if there is none or one is not a key."""
        return cls.from_files(read_key_files(directory))

    @classmethod
    def from_files(cls, files: Mapping[Path, bytes]) -> "KeySet":
        """Make a set of files in PEM. Raises ValueError naming one that is not a key."""
        return cls(parse_public_key(path, pem) for path, pem in files.items())

    @property
    def kids(self) -> frozenset[str]:
        """The ids of the keys."""
        return frozenset(self._keys)

    def find(self, kid: object) -> RSAPublicKey:
        """Return the key with this `kid`. Raises InvalidToken if the set does not contain it."""
        if not isinstance(kid, str) or kid not in self._keys:
            raise InvalidToken("the token is signed with an unknown key; log in again")
        return self._keys[kid]

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the set as a JWK Set (RFC 7517, section 5)."""
        return {
            "keys": [
                {"use": "sig", "alg": ALGORITHM, "kid": kid, "kty": jwk["kty"], "n": jwk["n"], "e": jwk["e"]}
                for kid, key in self._keys.items()
                for jwk in [RSAAlgorithm.to_jwk(key, as_dict=True)]
            ]
        }


def _check_keys(directory: Path) -> Path:
    KeySet.from_directory(directory)
    return directory


# A settings type that reads the directory at startup, so that an error about a key names the variable.
KeysDirectory = Annotated[DirectoryPath, AfterValidator(_check_keys)]
