"""The settings of sample, from environment variables with the prefix SAMPLE_."""

from typing import Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ServiceSettings

MAX_ROWS: Final = 100_000


class SampleSettings(ServiceSettings):
    """Each field is the environment variable SAMPLE_<FIELD>; README.md describes them."""

    model_config = SettingsConfigDict(env_prefix="SAMPLE_")

    seed: int = 1
    rows: int = Field(default=219, ge=1, le=MAX_ROWS)
