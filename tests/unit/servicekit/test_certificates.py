"""The certificates that are made here are accepted in a TLS handshake, with the strictest checks of OpenSSL."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from servicekit.certificates import KeyPair, new_authority, new_certificate

WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def authority() -> KeyPair:
    return new_authority("mysql-ca", WEEK)


def handshake(folder: Path, trusted: KeyPair, server: KeyPair, host: str) -> None:
    """Connect a client that trusts one authority to a server. Raises ssl.SSLError."""
    files = {"ca": trusted.certificate_pem, "crt": server.certificate_pem, "key": server.key_pem}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    client_context = ssl.create_default_context(cafile=str(folder / "ca"))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(folder / "crt", folder / "key")
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    answering = server_context.wrap_bio(to_server, to_client, server_side=True)
    waiting = {client, answering}
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.discard(side)


@pytest.mark.parametrize("host", ["mysql-primary", "mysql-0.mysql.fish.svc", "127.0.0.1"])
def test_a_client_that_trusts_the_authority_accepts_the_server(tmp_path: Path, authority: KeyPair, host: str) -> None:
    hosts = ["mysql-primary", "*.mysql.fish.svc"]
    handshake(tmp_path, authority, new_certificate(authority, "mysql", hosts, ["127.0.0.1"], WEEK), host)


def test_another_host_is_refused(tmp_path: Path, authority: KeyPair) -> None:
    server = new_certificate(authority, "mysql", ["mysql-primary"], [], WEEK)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(tmp_path, authority, server, "redis")


def test_another_authority_of_the_same_name_is_refused(tmp_path: Path, authority: KeyPair) -> None:
    server = new_certificate(authority, "mysql", ["mysql-primary"], [], WEEK)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, new_authority("mysql-ca", WEEK), server, "mysql-primary")


def test_a_certificate_of_a_server_cannot_sign_others(tmp_path: Path, authority: KeyPair) -> None:
    server = new_certificate(authority, "mysql", ["mysql-primary"], [], WEEK)
    forged = new_certificate(server, "mysql", ["redis"], [], WEEK)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, server, forged, "redis")
