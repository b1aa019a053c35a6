"""The settings of docs, from environment variables with the prefix DOCS_."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from servicekit.settings import ServiceSettings

_FORMAT = "must be like auth=/auth/swagdocs,fetch=/fetch/swagdocs: name=path pairs, where a path begins with /"


class DocsSettings(ServiceSettings):
    """Each field is the environment variable DOCS_<FIELD>; README.md describes them."""

    model_config = SettingsConfigDict(env_prefix="DOCS_")

    documents: Annotated[dict[str, str], NoDecode] = Field(
        default="auth=/auth/swagdocs,fetch=/fetch/swagdocs", validate_default=True
    )

    @field_validator("documents", mode="before")
    @classmethod
    def read_pairs(cls, value: object) -> object:
        """Turn `name=path` pairs, separated by commas, into a dict in the same order."""
        if not isinstance(value, str):
            return value
        pairs = [pair.strip().partition("=") for pair in value.split(",") if pair.strip()]
        # Paths only: the browser requests the documents from the origin that served the page.
        if not pairs or not all(name and path.startswith("/") for name, _, path in pairs):
            raise ValueError(_FORMAT)
        return {name: path for name, _, path in pairs}
