"""The settings of the reference, from environment variables with the prefix REFERENCE_."""

from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each field is the environment variable REFERENCE_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="REFERENCE_")

    content_dir: Path
    """What `bench.content` has written."""
    key_file: Path
    key_id: str
    issuer: str
    audience: str
    body: Literal["recompute", "cache"]
    """Whether each request makes the body anew, or gets the cached bytes."""
