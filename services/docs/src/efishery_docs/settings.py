"""The settings of the service: environment variables that begin with DOCS_."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from servicekit.settings import ServiceSettings

_FORM = "must be like auth=/auth/swagdocs,fetch=/fetch/swagdocs: a name and a path on this host for each"


class DocsSettings(ServiceSettings):
    """What the service needs; the README's table explains each."""

    model_config = SettingsConfigDict(env_prefix="DOCS_")

    documents: Annotated[dict[str, str], NoDecode] = Field(
        default="auth=/auth/swagdocs,fetch=/fetch/swagdocs", validate_default=True
    )

    @field_validator("documents", mode="before")
    @classmethod
    def read_pairs(cls, value: object) -> object:
        """Turn `name=path` pairs, separated by commas, into a mapping in their order."""
        if not isinstance(value, str):
            return value
        pairs = [pair.strip().partition("=") for pair in value.split(",") if pair.strip()]
        # A path alone: the browser asks the gateway that served the page, so no other origin is ever involved.
        if not pairs or not all(name and path.startswith("/") for name, _, path in pairs):
            raise ValueError(_FORM)
        return {name: path for name, _, path in pairs}
