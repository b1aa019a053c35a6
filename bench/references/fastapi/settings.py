"""The settings of the reference, from environment variables with the prefix REFERENCE_."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Each field is the environment variable REFERENCE_<FIELD>; a missing one is a KeyError that names it."""

    content_dir: Path
    """What `bench.content` has written."""
    key_file: Path
    key_id: str
    issuer: str
    audience: str
    body: str
    """`recompute`: each request makes the body anew; `cache`: it gets the cached bytes."""

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the variables."""
        return cls(
            content_dir=Path(os.environ["REFERENCE_CONTENT_DIR"]),
            key_file=Path(os.environ["REFERENCE_KEY_FILE"]),
            key_id=os.environ["REFERENCE_KEY_ID"],
            issuer=os.environ["REFERENCE_ISSUER"],
            audience=os.environ["REFERENCE_AUDIENCE"],
            body=os.environ["REFERENCE_BODY"],
        )
