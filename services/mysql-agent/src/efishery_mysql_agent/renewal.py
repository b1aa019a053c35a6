"""Decides which step of the renewal of a generated certificate is due, and what it changes in the Secret.

    steady ── publish ──▶ published ── activate ──▶ activated ── retire ──▶ steady
    one CA    a third of  ca.crt has   `wait` has   the new      `wait` has  one CA
              the time is the new CA   passed       certificate  passed
              left, or a  as well                   is served
              person asks

Nobody keeps the key of a CA, so each certificate has a CA of its own, and renewing one renews both.

| Key of the Secret      | Is                                                                                     |
|------------------------|----------------------------------------------------------------------------------------|
| `tls.crt`, `tls.key`   | what the members serve                                                                 |
| `ca.crt`               | what members and clients trust: the CA, between publish and retire both, and any other |
| `next.crt`, `next.key` | between publish and activate: what is served next                                      |
| `former-ca.crt`        | between activate and retire: the CA that is removed from `ca.crt` then                 |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from servicekit.create_secrets import TlsSpec
from servicekit.secret_api import SecretContent
from servicekit.secret_rotation import Due, Step, parse_certificate, time_of_step
from servicekit.serialization import rfc3339

STEP_AT = "mysql.efishery/certificate-step-at"
REQUESTED = "mysql.efishery/renew-certificate"  # by a person, to begin a renewal at any age


def next_step(content: SecretContent, now: datetime, validity: timedelta, wait: timedelta) -> Due:
    """Return the next step; it is due if its time is not after `now`. Raises ValueError for an unusable Secret.

    When the time of the last step is unknown (missing, malformed, in the future), the wait starts now.
    """
    if "next.crt" in content.data or "former-ca.crt" in content.data:
        since = time_of_step(content.annotations.get(STEP_AT))
        if since is None or since > now:
            return Due(Step.RESTART_WAIT, now)
        return Due(Step.ACTIVATE if "next.crt" in content.data else Step.RETIRE, since + wait)
    if REQUESTED in content.annotations:
        return Due(Step.PUBLISH, now)
    served = parse_certificate(content.data, "tls.crt")
    # Of a certificate that was made for longer, its age counts.
    return Due(
        Step.PUBLISH, min(served.not_valid_before_utc + validity * 2 / 3, served.not_valid_after_utc - validity / 3)
    )


def apply(content: SecretContent, step: Step, now: datetime, name: str, tls: TlsSpec) -> SecretContent:
    """Return the content after `step`, which must be the one that is due. Raises ValueError for an unusable Secret."""
    data, annotations = dict(content.data), dict(content.annotations)
    annotations[STEP_AT] = rfc3339(now)
    match step:
        case Step.PUBLISH:
            _issuer(data)  # a CA that cannot be found could not be removed either
            new = tls.generate(name)
            data["next.crt"], data["next.key"] = new["tls.crt"], new["tls.key"]
            data["ca.crt"] = data["ca.crt"].rstrip() + b"\n" + new["ca.crt"]
            annotations.pop(REQUESTED, None)
        case Step.ACTIVATE:
            data["former-ca.crt"] = _pem(_issuer(data))
            data["tls.crt"], data["tls.key"] = data.pop("next.crt"), data.pop("next.key")
        case Step.RETIRE:
            former = parse_certificate(data, "former-ca.crt")
            del data["former-ca.crt"]
            data["ca.crt"] = b"".join(_pem(each) for each in _authorities(data) if each != former)
            _issuer(data)
            annotations.pop(STEP_AT)
    return SecretContent(data, annotations)


def _issuer(data: Mapping[str, bytes]) -> x509.Certificate:
    """Return the CA in `ca.crt` that signed the certificate that is served."""
    served = parse_certificate(data, "tls.crt")
    for authority in _authorities(data):
        try:
            served.verify_directly_issued_by(authority)
        except (InvalidSignature, ValueError, TypeError):
            continue
        return authority
    raise ValueError("ca.crt does not have the CA that signed tls.crt: members and clients refuse each other")


def _authorities(data: Mapping[str, bytes]) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data.get("ca.crt", b""))
    except ValueError as error:
        raise ValueError(f"ca.crt: contains no certificate in PEM: {error}") from error


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
