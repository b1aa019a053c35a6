"""The private key that signs tokens, and the public keys whose tokens are accepted."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from efishery_auth.idempotency import derivation_secret
from servicekit.key_set import KeySet, mounted_files, parse_public_key, read_key_files, thumbprint

# Beside the signing key, during a rotation (key_rotation.py): keys that verify and do not sign.
ROTATION_CERTIFICATES = ("next.crt", "previous.crt")


class SigningKeys(KeySet):
    """The accepted keys, with the one that signs; `created_at` is the beginning of its certificate, if it has one."""

    def __init__(
        self, signing_key: RSAPrivateKey, others: Iterable[RSAPublicKey] = (), created_at: datetime | None = None
    ) -> None:
        public = signing_key.public_key()
        super().__init__([public, *others])
        self.signing_key = signing_key
        self.kid = thumbprint(public)
        self.registration_secret = derivation_secret(signing_key)
        self.created_at = created_at


def read_files(signing_key_file: Path, verification_keys_dir: Path | None) -> dict[Path, bytes]:
    """Return the key files: the signing key first. Raises ValueError and OSError."""
    directory = signing_key_file.parent
    mounted = mounted_files(directory)
    files = {signing_key_file: (mounted / signing_key_file.name).read_bytes()}
    for name in (_certificate_of(signing_key_file).name, *ROTATION_CERTIFICATES):
        if (mounted / name).exists():
            files[directory / name] = (mounted / name).read_bytes()
    return files | (read_key_files(verification_keys_dir) if verification_keys_dir else {})


def parse_files(files: Mapping[Path, bytes]) -> SigningKeys:
    """Return the keys in the files of `read_files`. Raises ValueError naming the file that is wrong."""
    (signing_path, signing_pem), *others = files.items()
    signing_key, certificate = parse_signing_key(signing_path, signing_pem), _certificate_of(signing_path)
    verifying = (parse_public_key(path, pem) for path, pem in others if path != certificate)
    return SigningKeys(signing_key, verifying, _beginning(files.get(certificate)))


def _certificate_of(signing_key_file: Path) -> Path:
    return signing_key_file.with_suffix(".crt")


def _beginning(certificate: bytes | None) -> datetime | None:
    """Return when the certificate begins. It serves the metric only, so a malformed one is no error."""
    try:
        return x509.load_pem_x509_certificate(certificate).not_valid_before_utc if certificate else None
    except ValueError:
        return None


def read_signing_key(path: Path) -> RSAPrivateKey:
    """Read the RSA private key from PEM. Raises ValueError naming the file."""
    return parse_signing_key(path, path.read_bytes())


def parse_signing_key(path: Path, pem: bytes) -> RSAPrivateKey:
    """Return the RSA private key in a PEM file. Raises ValueError naming the file."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: no unencrypted private key in PEM: {error}") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(f"{path}: RS256 needs an RSA key, this is {type(key).__name__}")  # noqa: TRY004 -- wrong content of a file
    return key
