"""`create-secrets`: creates the Secrets of a release that do not exist yet, and never changes one.

The charts run it in the cluster before each installation and upgrade, so that no rendered manifest has a secret value
(ADR 71). Exit codes: 1 the API did not answer or refused, 2 bad settings, 3 an existing Secret cannot be used.
"""

import secrets
import string
from datetime import UTC, datetime, timedelta

import structlog
from pydantic import BaseModel, ConfigDict, Field, Json
from pydantic_settings import SettingsConfigDict

from servicekit import logging
from servicekit.certificates import common_name, new_authority, new_certificate, new_rsa_key, self_signed
from servicekit.secret_api import SecretApi, SecretApiError, SecretConflict, SecretNotFound
from servicekit.settings import ServiceSettings, load

PASSWORD_CHARACTERS = string.ascii_letters + string.digits  # safe in URLs, in Redis' ACL file and in shells
PASSWORD_LENGTH = 32
# No app.kubernetes.io/instance: Argo CD that tracks by that label would prune what is not in Git.
LABELS = {"app.kubernetes.io/managed-by": "create-secrets", "app.kubernetes.io/part-of": "efishery"}

log = structlog.get_logger(__name__)


class UnusableSecret(Exception):
    """A Secret exists, but not with what the release needs; the text has the remedy."""


class Spec(BaseModel):
    """Base of what describes a Secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsSpec(Spec):
    """A key and its certificate: for hosts, signed by a CA whose key nobody keeps; without hosts, self-signed."""

    days: int = Field(ge=1)
    hosts: list[str] = []
    addresses: list[str] = []

    @property
    def keys(self) -> set[str]:
        """The keys that the Secret must have."""
        return {"tls.crt", "tls.key"} | ({"ca.crt"} if self.hosts else set())

    def generate(self, name: str) -> dict[str, bytes]:
        """Return new data for the Secret of that name."""
        validity = timedelta(days=self.days)
        if not self.hosts:
            pair = self_signed(new_rsa_key(), common_name(name), validity, datetime.now(UTC))
            return {"tls.crt": pair.certificate_pem, "tls.key": pair.key_pem}
        authority = new_authority(f"{name}-ca", validity)
        pair = new_certificate(authority, name, self.hosts, self.addresses, validity)
        return {"ca.crt": authority.certificate_pem, "tls.crt": pair.certificate_pem, "tls.key": pair.key_pem}


class SecretSpec(Spec):
    """A Secret: keys with a given value, keys with a random password, or a key with its certificate."""

    name: str
    values: dict[str, str] = {}
    passwords: list[str] = []
    tls: TlsSpec | None = None

    @property
    def type(self) -> str:
        """The type of the Secret."""
        return "kubernetes.io/tls" if self.tls else "Opaque"

    @property
    def keys(self) -> set[str]:
        """The keys that the Secret must have."""
        return {*self.values, *self.passwords, *(self.tls.keys if self.tls else ())}

    def generate(self) -> dict[str, bytes]:
        """Return new data."""
        data = {key: value.encode() for key, value in self.values.items()}
        data |= {key: _new_password() for key in self.passwords}
        if self.tls:
            data |= self.tls.generate(self.name)
        return data


class CreateSecretsSettings(ServiceSettings):
    """What to create, as the chart's Job passes it."""

    model_config = SettingsConfigDict(env_prefix="CREATE_SECRETS_")

    namespace: str = Field(min_length=1)
    specs: Json[list[SecretSpec]]


def ensure(api: SecretApi, spec: SecretSpec) -> None:
    """Create the Secret, or check that the existing one can be used. Raises UnusableSecret and SecretApiError."""
    try:
        existing = api.read()
    except SecretNotFound:
        try:
            api.create(spec.generate(), secret_type=spec.type, labels=LABELS)
        except SecretConflict:  # another run was faster
            existing = api.read()
        else:
            log.info("secret_created", secret=spec.name, keys=sorted(spec.keys))
            return
    if missing := spec.keys - existing.data.keys():
        raise UnusableSecret(
            f"the Secret {spec.name} has no {', '.join(sorted(missing))}, and an existing Secret is never changed: add "
            f"what is missing (kubectl patch secret {spec.name}), or delete the Secret if nothing uses it any more"
        )
    for key, value in spec.values.items():
        if existing.data[key] != value.encode():
            raise UnusableSecret(
                f"{key} of the Secret {spec.name} is not that of the values, and an existing Secret is never changed: "
                f"set the value to what the Secret has, or change the Secret (kubectl patch secret {spec.name})"
            )
    log.info("secret_exists", secret=spec.name)


def _new_password() -> bytes:
    return "".join(secrets.choice(PASSWORD_CHARACTERS) for _ in range(PASSWORD_LENGTH)).encode()


def main() -> None:
    """Create what is missing; raises SystemExit as the module says."""
    settings = load(CreateSecretsSettings)
    logging.configure(settings.log_level, settings.log_format)
    try:
        for spec in settings.specs:
            ensure(SecretApi(settings.namespace, spec.name), spec)
    except UnusableSecret as error:
        log.error("secret_unusable", error=str(error))  # noqa: TRY400 -- the text says it all
        raise SystemExit(3) from error
    except SecretApiError as error:
        log.error("secret_api_failed", error=str(error))  # noqa: TRY400 -- as above
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
