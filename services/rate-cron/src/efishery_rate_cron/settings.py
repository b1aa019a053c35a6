"""The settings of a run: environment variables that begin with RATE_CRON_."""

from decimal import Decimal
from typing import Annotated

import jsonpath
from pydantic import Field, HttpUrl, RedisDsn, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from efishery_rate_cron.providers import NAMES
from servicekit.settings import ServiceSettings


class RateCronSettings(ServiceSettings):
    """What one run needs; the README's table explains each."""

    model_config = SettingsConfigDict(env_prefix="RATE_CRON_")

    redis_url: RedisDsn
    redis_password: SecretStr | None = None
    providers: Annotated[tuple[str, ...], NoDecode] = ("frankfurter", "open-er-api")
    frankfurter_url: HttpUrl = HttpUrl("https://api.frankfurter.dev/v1/latest?base=USD&symbols=IDR")
    open_er_api_url: HttpUrl = HttpUrl("https://open.er-api.com/v6/latest/USD")
    custom_url: HttpUrl | None = Field(default=None, validate_default=True)
    custom_rate_path: str = "$.rates.USD"
    custom_date_path: str | None = None
    min_rate: Decimal = Field(default=Decimal("0.00002"), gt=0, allow_inf_nan=False)
    max_rate: Decimal = Field(default=Decimal("0.0002"), gt=0, allow_inf_nan=False)
    timeout_seconds: float = Field(default=10, gt=0, le=60)

    @field_validator("providers", mode="before")
    @classmethod
    def split_names(cls, value: object) -> object:
        """Turn `frankfurter, custom` into a tuple of names."""
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("providers")
    @classmethod
    def names_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse an empty list, and names that no provider has."""
        if not value or not set(value) <= set(NAMES):
            raise ValueError(f"name one or more of {', '.join(NAMES)}, separated by commas")
        return value

    @field_validator("custom_url")
    @classmethod
    def custom_has_its_url(cls, value: HttpUrl | None, info: ValidationInfo) -> HttpUrl | None:
        """Ask for the URL of the custom provider when that provider is in use."""
        if value is None and "custom" in info.data.get("providers", ()):
            raise ValueError("is required when RATE_CRON_PROVIDERS names custom: set it")
        return value

    @field_validator("custom_rate_path", "custom_date_path")
    @classmethod
    def is_a_jsonpath(cls, value: str | None) -> str | None:
        """Refuse what RFC 9535 cannot read, at start and not at the first answer."""
        try:
            jsonpath.JSONPathEnvironment(strict=True).compile(value or "$")
        except jsonpath.JSONPathError as error:
            raise ValueError("must be a JSONPath (RFC 9535), as in $.rates.USD") from error
        return value

    @field_validator("max_rate")
    @classmethod
    def bounds_are_ordered(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        """Refuse bounds that no rate can meet."""
        if value < info.data.get("min_rate", value):
            raise ValueError("must not be below RATE_CRON_MIN_RATE")
        return value
