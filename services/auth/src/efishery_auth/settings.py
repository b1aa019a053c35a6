"""auth's settings; the table in services/auth/README.md says what each is for."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, FilePath, RedisDsn, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from efishery_auth.keys import read_signing_key
from efishery_auth.locks import Limits
from efishery_auth.passwords import CHOSEN_KIB, CHOSEN_PASSES, HASH_QUEUE, LEAST_CHOSEN_KIB
from efishery_auth.sessions import LONGEST_ACCESS_TOKEN, Lifetimes
from servicekit.key_set import KeysDirectory
from servicekit.settings import ServiceSettings, TokenSettings

MIB = 1024 * 1024
ACCESS_TOKEN_SECONDS = 900
MEMORY_WITHOUT_HASHES = 224 * MIB  # of the process with all its threads busy; a test of the chart adds it up


def _holds_signing_key(path: Path) -> Path:
    read_signing_key(path)
    return path


def _is_origin(url: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+", url):
        raise ValueError("is no scheme and host, as in https://api.example.org, without a path")
    return url


class DatabaseSettings(ServiceSettings):
    """What the commands need, which do without keys."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    database_url: str
    database_read_url: str = ""
    database_password: SecretStr | None = None
    database_ca_file: FilePath | None = None
    migration_user: str = ""
    migration_password: SecretStr | None = None
    database_wait_seconds: int = Field(default=120, ge=0)
    audit_keep_days: int = Field(default=400, ge=1, le=36_500)

    @field_validator("database_url", "database_read_url")
    @classmethod
    def _is_sqlalchemy_url(cls, value: str) -> str:
        try:
            if value:
                make_url(value)
        except ArgumentError:
            raise ValueError("is no SQLAlchemy URL, as in mysql+pymysql://user@host:3306/database") from None
        return value

    @property
    def write_url(self) -> URL:
        """The primary's URL with the password in it."""
        return self._with_password(self.database_url)

    @property
    def read_url(self) -> URL:
        """The replicas' URL with the password in it; the primary's where no other is set."""
        return self._with_password(self.database_read_url or self.database_url)

    @property
    def migration_url(self) -> URL:
        """The primary's URL with the account that changes tables; `write_url` where there is no such account."""
        if not self.migration_user:
            return self.write_url
        password = self.migration_password.get_secret_value() if self.migration_password else None
        return self.write_url.set(username=self.migration_user, password=password)

    def _with_password(self, text: str) -> URL:
        url = make_url(text)
        return url.set(password=self.database_password.get_secret_value()) if self.database_password else url


class AuthSettings(DatabaseSettings, TokenSettings):
    """What the service needs."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    signing_key_file: Annotated[FilePath, AfterValidator(_holds_signing_key)]
    verification_keys_dir: KeysDirectory | None = None
    access_token_seconds: int = Field(default=ACCESS_TOKEN_SECONDS, ge=60, le=int(LONGEST_ACCESS_TOKEN.total_seconds()))
    public_url: Annotated[str, AfterValidator(_is_origin)] | None = None
    session_idle_seconds: int = Field(default=604_800, ge=60)
    session_seconds: int = Field(default=2_592_000, ge=60)
    refresh_grace_seconds: int = Field(default=3, ge=0, le=60)
    redis_url: RedisDsn | None = None
    redis_password: SecretStr | None = None
    cpus: int = Field(default=1, ge=1)
    memory_bytes: int = Field(default=384 * MIB, ge=1)
    hash_workers: int | None = Field(default=None, ge=1)
    hash_queue: int = Field(default=HASH_QUEUE, ge=1)
    password_hash_kib: int = Field(default=CHOSEN_KIB, ge=LEAST_CHOSEN_KIB, le=MIB)
    password_hash_passes: int = Field(default=CHOSEN_PASSES, ge=2, le=16)
    trusted_proxies: int = Field(default=0, ge=0, le=8)
    lock_failures: int = Field(default=5, ge=1, le=1000)
    lock_address_failures: int = Field(default=50, ge=0, le=1_000_000)
    lock_window_seconds: int = Field(default=120, ge=1, le=86_400)
    lock_seconds: int = Field(default=300, ge=1, le=86_400)

    @property
    def session_lifetimes(self) -> Lifetimes:
        """How long sessions last."""
        seconds = (self.session_idle_seconds, self.session_seconds, self.refresh_grace_seconds)
        return Lifetimes(*(timedelta(seconds=each) for each in seconds))

    @property
    def password_hash_workers(self) -> int:
        """How many passwords are hashed at a time: `hash_workers`, else as many as CPUs and memory allow."""
        fitting = (self.memory_bytes - MEMORY_WITHOUT_HASHES) // (self.password_hash_kib * 1024)
        return self.hash_workers or max(1, min(self.cpus, fitting))

    @property
    def lock_limits(self) -> Limits:
        """After how many failed logins there is a lock."""
        return Limits(
            failures=self.lock_failures,
            address_failures=self.lock_address_failures,
            window=timedelta(seconds=self.lock_window_seconds),
            lock=timedelta(seconds=self.lock_seconds),
        )
