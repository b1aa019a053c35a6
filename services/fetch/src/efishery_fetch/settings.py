"""The settings of fetch, from environment variables with the prefix FETCH_."""

from pydantic import AnyHttpUrl, Field, RedisDsn, SecretStr
from pydantic_settings import SettingsConfigDict

from servicekit.key_set import KeysDirectory
from servicekit.settings import TokenSettings

# Sums of the prices of a list stay below 2^63, which JSON's writer needs, and prices exact as a double with decimals.
MAX_PRICE_LIMIT_IDR = 10**13


class FetchSettings(TokenSettings):
    """Each field is the environment variable FETCH_<FIELD>; README.md describes them."""

    model_config = SettingsConfigDict(env_prefix="FETCH_")

    list_url: AnyHttpUrl
    list_ttl_seconds: int = Field(default=300, gt=0)
    list_stale_after_seconds: int = Field(default=600, gt=0)
    list_stale_if_error_seconds: int = Field(default=86_400, gt=0)
    list_accept_shrunk: bool = False
    upstream_timeout_seconds: float = Field(default=5, gt=0)
    upstream_max_bytes: int = Field(default=16 * 1024 * 1024, gt=0)
    redis_url: RedisDsn
    redis_password: SecretStr | None = None
    rate_stale_after_seconds: int = Field(default=600, gt=0)
    rate_stale_if_error_seconds: int = Field(default=604_800, gt=0)
    max_price_idr: int = Field(default=100_000_000, gt=0, le=MAX_PRICE_LIMIT_IDR)
    verification_keys_dir: KeysDirectory
