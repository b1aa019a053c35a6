"""Settings from environment variables and files, validated at startup."""

import os
import socket
import sys
from pathlib import Path
from typing import Literal, NoReturn, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

# Every address of this host, of IPv6 and IPv4 if it has both: pods of an IPv6-only cluster have no other.
ANY_ADDRESS = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104 -- a container's own network


class ServiceSettings(BaseSettings):
    """Base of the services' settings classes; a subclass sets `env_prefix`, such as `AUTH_`."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- pydantic passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take a setting from its variable, else from the file of that name, in lower case, in SECRETS_DIR."""
        files = SecretsSettingsSource(settings_cls, secrets_dir=os.environ.get("SECRETS_DIR") or None)
        return init_settings, env_settings, files


class TokenSettings(ServiceSettings):
    """Claims that all services must agree on to accept tokens (RFC 7519, sections 4.1.1 and 4.1.3)."""

    token_issuer: str = Field(default="efishery-auth", min_length=1)
    token_audience: str = Field(default="efishery", min_length=1)


def number(name: str, default: int) -> int:
    """Return the integer >= 1 in variable `name`. Raises SystemExit with a message that names the variable."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise SystemExit(f"{name}: must be a whole number from 1 up, not {text!r}")
    return int(text)


def http_host() -> str:
    """Return the address that the HTTP ports are bound to, by default every one."""
    return os.environ.get("HTTP_HOST") or ANY_ADDRESS


def http_threads() -> int:
    """Return the number of requests that this process handles at the same time."""
    return number("HTTP_THREADS", 32)


Settings = TypeVar("Settings", bound=ServiceSettings)


def load(settings_class: type[Settings]) -> Settings:
    """Read the settings from the environment.

    If variables are missing or invalid, writes one line for each to stderr and raises SystemExit(2). A line
    has the variable's name and the reason, but not its value, which may be a secret.
    """
    directory = os.environ.get("SECRETS_DIR")
    if directory and not Path(directory).is_dir():
        sys.stderr.write(f"SECRETS_DIR: {directory} is no directory: mount the secrets there, or unset the variable\n")
        raise SystemExit(2)
    try:
        return settings_class()
    except ValidationError as error:
        _explain_and_exit(settings_class, error)


def _explain_and_exit(settings_class: type[ServiceSettings], error: ValidationError) -> NoReturn:
    prefix = settings_class.model_config.get("env_prefix", "")
    for problem in error.errors(include_input=False, include_url=False):
        field = "_".join(str(part) for part in problem["loc"])
        reason = "is required: set it" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
        sys.stderr.write(f"{prefix}{field}".upper() + f": {reason}\n")
    raise SystemExit(2)
