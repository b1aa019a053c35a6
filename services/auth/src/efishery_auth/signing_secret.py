"""The content of the Secret with the signing key, and what each step of a rotation changes in it.

| Key of the Secret      | Is                                                                        |
|------------------------|---------------------------------------------------------------------------|
| `tls.crt`, `tls.key`   | the key that signs                                                        |
| `next.crt`, `next.key` | between publish and activate: published and accepted, does not sign yet   |
| `previous.crt`         | between activate and retire: accepted, does not sign any more             |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from efishery_auth.key_rotation import KeyState
from efishery_auth.keys import parse_signing_key
from servicekit.certificates import new_rsa_key, self_signed
from servicekit.key_set import parse_public_key, thumbprint
from servicekit.secret_api import SecretContent
from servicekit.secret_rotation import Step, parse_certificate, time_of_step
from servicekit.serialization import rfc3339

PUBLISHED_AT = "auth.efishery/next-key-published-at"
ACTIVATED_AT = "auth.efishery/key-activated-at"
VALIDITY = timedelta(days=3650)  # as the first one's; nobody checks it
ROLES = {"next": "published", "tls": "signs", "previous": "accepted"}


@dataclass(frozen=True)
class KeyDescription:
    """What may be shown of a key."""

    role: str
    kid: str
    created_at: datetime


def state_of(content: SecretContent) -> KeyState:
    """Return the state of the rotation. Raises ValueError naming the key of the Secret that is missing or wrong."""
    signing = _checked_pair(content.data, "tls")
    has_next = "next.crt" in content.data or "next.key" in content.data
    if has_next:
        _checked_pair(content.data, "next")
    return KeyState(
        created_at=signing.not_valid_before_utc,
        has_next=has_next,
        published_at=time_of_step(content.annotations.get(PUBLISHED_AT)),
        has_previous="previous.crt" in content.data,
        activated_at=time_of_step(content.annotations.get(ACTIVATED_AT)),
    )


def apply(
    content: SecretContent, step: Step, now: datetime, new_key: Callable[[], RSAPrivateKey] = new_rsa_key
) -> SecretContent:
    """Return the content after `step`, which must be the one that is due; all other keys and annotations stay."""
    data, annotations = dict(content.data), dict(content.annotations)
    match step:
        case Step.PUBLISH:
            pair = self_signed(new_key(), parse_certificate(data, "tls.crt").subject, VALIDITY, now)
            data["next.crt"], data["next.key"] = pair.certificate_pem, pair.key_pem
            annotations[PUBLISHED_AT] = rfc3339(now)
        case Step.ACTIVATE:
            data["previous.crt"] = data["tls.crt"]
            data["tls.crt"], data["tls.key"] = data.pop("next.crt"), data.pop("next.key")
            annotations.pop(PUBLISHED_AT, None)
            annotations[ACTIVATED_AT] = rfc3339(now)
        case Step.RETIRE:
            del data["previous.crt"]
            annotations.pop(ACTIVATED_AT, None)
        case Step.RESTART_WAIT:
            annotations[ACTIVATED_AT if "previous.crt" in data else PUBLISHED_AT] = rfc3339(now)
    return SecretContent(data, annotations)


def describe(content: SecretContent) -> list[KeyDescription]:
    """Return the keys, the newest first. Raises ValueError as `state_of` does."""
    state_of(content)
    return [_describe(content.data, name) for name in ROLES if f"{name}.crt" in content.data]


def _describe(data: Mapping[str, bytes], name: str) -> KeyDescription:
    certificate = parse_certificate(data, f"{name}.crt")
    kid = thumbprint(parse_public_key(Path(f"{name}.crt"), data[f"{name}.crt"]))
    return KeyDescription(ROLES[name], kid, certificate.not_valid_before_utc)


def _checked_pair(data: Mapping[str, bytes], name: str) -> x509.Certificate:
    certificate = parse_certificate(data, f"{name}.crt")
    if f"{name}.key" not in data:
        raise ValueError(f"{name}.key is missing: add it, or remove {name}.crt")
    key = parse_signing_key(Path(f"{name}.key"), data[f"{name}.key"])
    if key.public_key() != certificate.public_key():
        raise ValueError(f"{name}.crt is not the certificate of {name}.key: its tokens could not be verified")
    return certificate
