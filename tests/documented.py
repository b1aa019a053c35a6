"""The commands that the documentation tells its readers to run."""

import re
from pathlib import Path


def shell_block(document: Path, text: str) -> str:
    """Return the only shell code block of a Markdown file that contains `text`."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if text in block]
    return str(found)
