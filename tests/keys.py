"""RSA keys for tests, generated at run time: the repository contains no keys."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class KeyPair(NamedTuple):
    """The two files of a key, as in a kubernetes.io/tls Secret."""

    key: Path
    certificate: Path


def write_key_pair(directory: Path, name: str = "tls", *, age: timedelta = timedelta(0)) -> KeyPair:
    """Write a new RSA key and its self-signed certificate, like those that the chart generates."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC) - age
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
        .sign(key, SHA256())
    )
    pair = KeyPair(directory / f"{name}.key", directory / f"{name}.crt")
    pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pair.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    return pair
