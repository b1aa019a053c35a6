"""The settings of a run, from environment variables with the prefix RATE_CRON_."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import jsonpath
from pydantic import Field, HttpUrl, RedisDsn, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from servicekit.settings import ServiceSettings


class ProviderName(StrEnum):
    """The names that RATE_CRON_PROVIDERS may contain."""

    FRANKFURTER = "frankfurter"
    OPEN_ER_API = "open-er-api"
    CUSTOM = "custom"


class RateCronSettings(ServiceSettings):
    """Each field is the environment variable RATE_CRON_<FIELD>; README.md describes them."""

    model_config = SettingsConfigDict(env_prefix="RATE_CRON_")

    redis_url: RedisDsn
    redis_password: SecretStr | None = None
    providers: Annotated[tuple[ProviderName, ...], NoDecode] = (ProviderName.FRANKFURTER, ProviderName.OPEN_ER_API)
    frankfurter_url: HttpUrl = HttpUrl("https://api.frankfurter.dev/v1/latest?base=USD&symbols=IDR")
    open_er_api_url: HttpUrl = HttpUrl("https://open.er-api.com/v6/latest/USD")
    custom_url: HttpUrl | None = Field(default=None, validate_default=True)
    custom_rate_path: str = "$.rates.USD"
    custom_date_path: str | None = None
    min_rate: Decimal = Field(default=Decimal("0.00002"), gt=0, allow_inf_nan=False)
    max_rate: Decimal = Field(default=Decimal("0.0002"), gt=0, allow_inf_nan=False)
    max_change_percent: Decimal = Field(default=Decimal(10), gt=0, allow_inf_nan=False)
    keep_days: int = Field(default=7, ge=1, le=365)
    redis_wait_seconds: float = Field(default=30, ge=0, le=600)
    timeout_seconds: float = Field(default=10, gt=0, le=60)
    max_bytes: int = Field(default=1024 * 1024, gt=0)

    @field_validator("providers", mode="before")
    @classmethod
    def split_names(cls, value: object) -> object:
        """Turn `frankfurter, custom` into a tuple of names; an empty list or an unknown name is an error."""
        if not isinstance(value, str):
            return value
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        if not names or not set(names) <= set(ProviderName):
            raise ValueError(f"name one or more of {', '.join(ProviderName)}, separated by commas")
        return names

    @field_validator("custom_url")
    @classmethod
    def custom_has_its_url(cls, value: HttpUrl | None, info: ValidationInfo) -> HttpUrl | None:
        """Require the URL of the custom provider when that provider is in use."""
        if value is None and ProviderName.CUSTOM in info.data.get("providers", ()):
            raise ValueError("is required when RATE_CRON_PROVIDERS names custom: set it")
        return value

    @field_validator("custom_rate_path", "custom_date_path")
    @classmethod
    def is_a_jsonpath(cls, value: str | None) -> str | None:
        """Reject an invalid JSONPath (RFC 9535) at the start rather than at the first answer."""
        try:
            jsonpath.JSONPathEnvironment(strict=True).compile(value or "$")
        except jsonpath.JSONPathError as error:
            raise ValueError("must be a JSONPath (RFC 9535), as in $.rates.USD") from error
        return value

    @field_validator("max_rate")
    @classmethod
    def bounds_are_ordered(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        """Reject an empty range."""
        if value < info.data.get("min_rate", value):
            raise ValueError("must not be below RATE_CRON_MIN_RATE")
        return value
