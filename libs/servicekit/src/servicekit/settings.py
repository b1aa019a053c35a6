"""Settings come from the environment and are checked before anything starts."""

import os
import sys
from typing import Literal, NoReturn, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Base of each service's one settings class; subclasses set `env_prefix`, as in `AUTH_`."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"


class TokenSettings(ServiceSettings):
    """What every service that accepts tokens must agree on (RFC 7519, sections 4.1.1 and 4.1.3)."""

    token_issuer: str = Field(default="efishery-auth", min_length=1)
    token_audience: str = Field(default="efishery", min_length=1)


def number(name: str, default: int) -> int:
    """Read a whole number from 1 up from the environment. Raises SystemExit with a line that names the variable."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise SystemExit(f"{name}: must be a whole number from 1 up, not {text!r}")
    return int(text)


def http_threads() -> int:
    """Answer how many requests this process works on at a time."""
    return number("HTTP_THREADS", 8)


Settings = TypeVar("Settings", bound=ServiceSettings)


def load(settings_class: type[Settings]) -> Settings:
    """Read the settings from the environment.

    Raises SystemExit(2) after one line on stderr for each variable that is missing or wrong. The lines
    name the variable and the reason, never its value, which may be a secret.
    """
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
