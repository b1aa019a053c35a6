"""Makes RSA keys, and certificates for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

NO_KEY_USAGE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


@dataclass(frozen=True)
class KeyPair:
    """A private key and its certificate."""

    key: RSAPrivateKey
    certificate: x509.Certificate

    @property
    def certificate_pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key in PEM, without a password."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_rsa_key() -> RSAPrivateKey:
    """Make an RSA key of 2048 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def common_name(name: str) -> x509.Name:
    """Return a distinguished name that has only a common name."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def self_signed(key: RSAPrivateKey, name: x509.Name, validity: timedelta, now: datetime) -> KeyPair:
    """Return the key with a certificate that contains its public key and proves nothing more."""
    return KeyPair(key, _builder(key, name, name, validity, now).sign(key, SHA256()))


def new_authority(name: str, validity: timedelta) -> KeyPair:
    """Make a CA that signs certificates of servers, not of further CAs."""
    key, subject = new_rsa_key(), common_name(name)
    usage = x509.KeyUsage(**{**NO_KEY_USAGE, "key_cert_sign": True, "crl_sign": True})
    builder = (
        _builder(key, subject, subject, validity, datetime.now(UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return KeyPair(key, builder.sign(key, SHA256()))


def new_certificate(
    authority: KeyPair, name: str, hosts: Sequence[str], addresses: Sequence[str], validity: timedelta
) -> KeyPair:
    """Make a key and a certificate of the authority, for TLS servers and clients at these host names and addresses."""
    key = new_rsa_key()
    names = [*map(x509.DNSName, hosts), *(x509.IPAddress(ip_address(address)) for address in addresses)]
    usage = x509.KeyUsage(**{**NO_KEY_USAGE, "digital_signature": True, "key_encipherment": True})
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder(key, common_name(name), authority.certificate.subject, validity, datetime.now(UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority_id, critical=False)
    )
    return KeyPair(key, builder.sign(authority.key, SHA256()))


def _builder(
    key: RSAPrivateKey, subject: x509.Name, issuer: x509.Name, validity: timedelta, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + validity)
    )
